// game_transactions.cpp: wishes, commits and rollbacks.
#include <algorithm>

#include "game.h"

namespace presence::test {

Claimed* Game::claim(Transaction& transaction, const Key& key) {
  if (Claimed* claimed = transaction.find(key)) return claimed;
  const Cell cell = bring(key);
  if (cell == no_cell) return nullptr;
  roster_.settle_user(cell, model_.policy, now_);
  roster_.claim(cell);
  NaiveUser& user = model_.users.at(key);
  model_.settle(user, now_);
  user.claims++;
  transaction.claimed.push_back({key, cell, {}, std::nullopt});
  return &transaction.claimed.back();
}

// The row's lock: of two transactions that change a user the second waits for the first.
bool Game::is_locked_by_another(const Transaction& transaction, const Key& key) {
  for (Transaction& other : transactions_) {
    if (&other == &transaction) continue;
    const Claimed* claimed = other.find(key);
    if (claimed && !claimed->wishes.empty()) return true;
  }
  return false;
}

// No two are the same. Of equal messages with different ends one may take the other's place
// unnoticed, and the row would not know.
std::string Game::some_message() {
  const std::size_t bytes = dice_.one_of(std::array{0u, 4u, 9u, 120u, 121u, 300u});
  if (bytes == 0) return {};
  const std::string number = std::to_string(messages_made_++ % 10'000);
  return number + text_of(bytes - number.size(), 'm');
}

Ask Game::some_ask() {
  Ask ask;
  ask.kind = dice_.one_of(std::array{
      ChangeKind::choose, ChangeKind::choose, ChangeKind::choose, ChangeKind::be_automatic,
      ChangeKind::clear, ChangeKind::set_message, ChangeKind::leave, ChangeKind::forget});
  ask.at = now_;
  const bool expires = dice_.one_in(2);
  const bool has_message = dice_.one_in(2);
  if (ask.kind == ChangeKind::choose)
    ask.status = dice_.one_of(std::array{Status::away, Status::busy});
  if (expires && (ask.kind == ChangeKind::choose || ask.kind == ChangeKind::set_message))
    ask.until = now_ + dice_.one_of(pauses);
  if (has_message && ask.kind != ChangeKind::clear && ask.kind != ChangeKind::forget)
    ask.message = some_message();
  if (dice_.one_in(3)) {
    ask.reason = Reason::custom;
    ask.reason_text = text_of(1 + dice_.below(64), 'r');
  }
  return ask;
}

void Game::wish() {
  Transaction& transaction = some_transaction();
  const Key key = some_key();
  const Ask ask = some_ask();
  if (is_locked_by_another(transaction, key)) return;
  Claimed* claimed = claim(transaction, key);
  if (!claimed || is_too_late_for_several(*claimed)) return;
  const uint32_t free = free_cells();
  const auto wish = reserve_wish(region_, ask);
  log(name_of(transaction) + ": " + short_name(key) + " " + describe(ask) + (wish ? "" : ": full"));
  expect(wish.has_value() == (cells_of_wish(ask) <= free), "a wish has room");
  if (!wish) return;
  held_ += cells_of_wish(ask);
  claimed->wishes.push_back({ask, *wish});
  compare_view(*claimed, claimed->cell);
  claimed->row = row_of(claimed->cell, wishes_of(*claimed));
}

// A transaction that only locked the user, and that another one may overtake.
void Game::claim_alone() {
  Transaction& transaction = some_transaction();
  const Key key = some_key();
  if (claim(transaction, key)) log(name_of(transaction) + " claims " + short_name(key));
}

bool Game::has_several_sessions(Cell cell) const {
  const Cell first = region_.pool.at<User>(cell).sessions;
  return first != no_cell && region_.pool.at<Session>(first).next != no_cell;
}

// What several wishes of one transaction come to is only the same at the commit as it was when
// they were made, one by one, while no choice expired in between. That is a known limit.
bool Game::is_too_late_for_several(const Claimed& claimed) const {
  if (claimed.wishes.empty()) return false;
  std::vector<Time> ends;
  for (const NaiveChoice& choice : model_.users.at(claimed.key).facts.choices) {
    ends.push_back(choice.until);
    ends.push_back(choice.message_until);
  }
  for (const OpenWish& open : claimed.wishes) ends.push_back(open.ask.until);
  const Time since = claimed.wishes.front().ask.at;
  return std::any_of(ends.begin(), ends.end(),
                     [&](Time end) { return end > since && end <= now_; });
}

void Game::commit(Transaction& transaction) {
  for (const Claimed& claimed : transaction.claimed)
    if (claimed.wishes.size() > 1 && is_too_late_for_several(claimed))
      return roll_back(transaction);
  log(name_of(transaction) + " commits");
  for (Claimed& claimed : transaction.claimed) {
    NaiveUser& user = model_.users.at(claimed.key);
    for (OpenWish& open : claimed.wishes) {
      const bool has_several = has_several_sessions(claimed.cell);
      roster_.grant(claimed.cell, open.wish, model_.policy, now_);
      held_ -= cells_of_wish(open.ask);
      model_.grant(user, open.ask, now_);
      const User& stored = region_.pool.at<User>(claimed.cell);
      // Of several sessions one may have ended unnoticed since the transaction saw it.
      if (has_several) {
        user.reason = stored.reason;
        user.changed_at = stored.changed_at;
      }
      // Not sure whether the row still says so, the roster may have it written once more.
      if (user.row_is_current && !stored.row_is_current && stored.persist == Persist::waiting) {
        user.row_is_current = false;
        user.moved_on = true;
        user.persist = Persist::waiting;
      }
    }
    if (!claimed.wishes.empty()) {
      if (claimed.wishes.back().ask.kind == ChangeKind::forget)
        rows_.erase(claimed.key);
      else
        rows_[claimed.key] = *claimed.row;
    }
    drop_claim(claimed);
  }
  transaction.claimed.clear();
}

void Game::roll_back(Transaction& transaction) {
  log(name_of(transaction) + " rolls back");
  for (Claimed& claimed : transaction.claimed) {
    for (OpenWish& open : claimed.wishes) {
      roster_.free_wish(open.wish);
      held_ -= cells_of_wish(open.ask);
    }
    drop_claim(claimed);
  }
  transaction.claimed.clear();
}

void Game::drop_claim(const Claimed& claimed) {
  const NaiveUser& user = model_.users.at(claimed.key);
  const bool awaited = user.claims == 1 && user.persist == Persist::held && !user.is_blank();
  expect(roster_.drop_claim(claimed.cell) == awaited, "dropping a claim says that it is awaited");
  model_.drop_claim(claimed.key);
}

NaiveRow Game::row_of(Cell cell, const std::vector<Wish>& wishes) {
  roster_.view(cell, wishes, model_.policy, now_, view_);
  return {view_.status, view_.last_seen, std::string(view_.page()), view_.activity_count,
          read_back(cell, wishes)};
}

std::vector<Wish> Game::wishes_of(const Claimed& claimed) {
  std::vector<Wish> wishes;
  for (const OpenWish& open : claimed.wishes) wishes.push_back(open.wish);
  return wishes;
}

std::vector<Ask> Game::asks_of(const Claimed& claimed) {
  std::vector<Ask> asks;
  for (const OpenWish& open : claimed.wishes) asks.push_back(open.ask);
  return asks;
}

}  // namespace presence::test
