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
  transaction.claimed.push_back({key, cell, {}, std::nullopt, std::nullopt, false, false});
  return &transaction.claimed.back();
}

// The row's lock: of two transactions that change a user the second waits for the first.
bool Game::is_locked_by_another(const Transaction& transaction, const Key& key) {
  for (Transaction& other : transactions_) {
    if (&other == &transaction) continue;
    const Claimed* claimed = other.find(key);
    if (claimed && claimed->is_locked) return true;
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
  ask.kind =
      dice_.one_of(std::array{ChangeKind::choose, ChangeKind::choose, ChangeKind::choose,
                              ChangeKind::be_automatic, ChangeKind::clear, ChangeKind::set_message,
                              ChangeKind::leave, ChangeKind::forget, ChangeKind::log_out});
  ask.at = now_;
  const bool expires = dice_.one_in(2);
  const bool has_message = dice_.one_in(2);
  if (ask.kind == ChangeKind::choose)
    ask.status = dice_.one_of(std::array{Status::away, Status::busy});
  if (expires && (ask.kind == ChangeKind::choose || ask.kind == ChangeKind::set_message))
    ask.until = now_ + dice_.one_of(pauses);
  if (has_message && ask.kind != ChangeKind::clear && ask.kind != ChangeKind::forget &&
      ask.kind != ChangeKind::log_out)
    ask.message = some_message();
  if (dice_.one_in(3)) {
    ask.reason = Reason::custom;
    ask.reason_text = text_of(1 + dice_.below(64), 'r');
  }
  return ask;
}

void Game::wish() {
  Transaction& transaction = some_transaction();
  const uint32_t about = dice_.below(4);
  const Key key = about == 2 && dice_.one_in(2) ? some_place().first : some_key();
  avoid_ties(key, about == 1 || about == 2);
  std::optional<Ask> asked = about == 0   ? some_ask()
                             : about == 1 ? some_session_ask(transaction, key)
                             : about == 2 ? some_channel_ask(transaction, key)
                                          : some_rules(key);
  if (!asked) return;
  const Ask& ask = *asked;
  const bool writes_row = ask.kind != ChangeKind::connect && ask.kind != ChangeKind::disconnect &&
                          !names_channel(ask.kind);
  if (writes_row && is_locked_by_another(transaction, key)) return;
  Claimed* claimed = claim(transaction, key);
  if (!claimed || is_too_late_for_several(*claimed)) return;
  const bool has_gateway = ask.kind == ChangeKind::connect && !ask.gateway.empty();
  const Cell gateway = has_gateway ? hold_gateway(key.first, ask.gateway) : no_cell;
  if (has_gateway && gateway == no_cell) return;
  if (has_gateway) asked->model_gateway = &model_.gateways.at({key.first, ask.gateway});
  const uint32_t free = free_cells();
  const bool has_rules = !ask.rules.empty();
  const uint32_t needed =
      cells_of_wish(ask) + has_rules + cells_of_rules(region_, key.first, ask.rules);
  const auto wish = reserve_wish(region_, ask);
  log(name_of(transaction) + ": " + short_name(key) + " " + describe(ask) + (wish ? "" : ": full"));
  region_.sessions.release_gateway(gateway);
  expect(wish.has_value() == (needed <= free), "a wish has room");
  if (!wish) return;
  held_ += cells_of_wish(ask) + has_rules;
  held_sessions_ += has_gateway;
  claimed->wishes.push_back({ask, *wish});
  compare_view(*claimed, claimed->cell);
  compare_own_places(*claimed);
  for (const std::string& viewer : viewer_ids) compare_seen(key, claimed->cell, viewer, claimed);
  if (!writes_row) return;
  claimed->is_locked = true;
  if (ask.kind == ChangeKind::set_visibility) {
    claimed->rules = ask.rules;
    for (GivenShown& shown : claimed->rules->shown) shown.is_new = false;
    return;
  }
  if (ask.kind == ChangeKind::forget) claimed->rules = GivenRules{};
  claimed->is_forgotten |= ask.kind == ChangeKind::forget;
  if (ask.kind == ChangeKind::forget) {
    roster_.set_forgetting(claimed->cell);
    being_forgotten_.insert(key);
    claimed->row.reset();
  } else {
    claimed->row = row_of(claimed->cell, wishes_of(*claimed));
  }
}

// A transaction that only locked the user, and that another one may overtake.
void Game::claim_alone() {
  Transaction& transaction = some_transaction();
  const Key key = some_key();
  if (claim(transaction, key)) log(name_of(transaction) + " claims " + short_name(key));
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
    for (OpenWish& open : claimed.wishes) grant(claimed, open);
    if (claimed.row)
      rows_[claimed.key] = *claimed.row;
    else if (claimed.is_forgotten)
      rows_.erase(claimed.key);
    if (claimed.rules) {
      rule_rows_[claimed.key] = *claimed.rules;
      // Whoever has rules has a row.
      if (!claimed.rules->empty()) rows_.try_emplace(claimed.key);
    }
    drop_claim(claimed);
  }
  transaction.claimed.clear();
}

void Game::grant(Claimed& claimed, OpenWish& open) {
  NaiveUser& user = model_.users.at(claimed.key);
  roster_.grant(claimed.cell, open.wish, model_.policy, now_);
  held_ -= cells_of_wish(open.ask) + !open.ask.rules.empty();
  held_sessions_ -= open.ask.model_gateway != nullptr;
  if (names_session(open.ask.kind)) {
    model_.grant_in_session(claimed.key, open.ask, now_);
    return note_records();
  }
  if (names_channel(open.ask.kind)) {
    if (open.ask.kind == ChangeKind::join) {
      model_.grant_join(claimed.key, open.ask, now_);
      note_joined(claimed.key, open.ask);
    } else {
      model_.grant_leave(claimed.key, open.ask, now_);
    }
    return note_records();
  }
  if (open.ask.kind == ChangeKind::set_visibility) return model_.grant_rules(user, open.ask, now_);
  model_.grant(user, open.ask, now_);
  if (open.ask.kind == ChangeKind::forget)
    std::erase_if(queued_[{claimed.key.first, user_key(claimed.key).partition()}],
                  [&](const NaiveActivity& one) { return one.user_id == claimed.key.second; });
  // Not sure whether the row still says so, the roster may have it written once more.
  const User& stored = region_.pool.at<User>(claimed.cell);
  if (user.row_is_current && !stored.row_is_current && stored.persist == Persist::waiting) {
    user.row_is_current = false;
    user.moved_on = true;
    user.persist = Persist::waiting;
  }
}

void Game::roll_back(Transaction& transaction) {
  log(name_of(transaction) + " rolls back");
  for (Claimed& claimed : transaction.claimed) {
    for (OpenWish& open : claimed.wishes) {
      roster_.free_wish(open.wish);
      held_ -= cells_of_wish(open.ask) + !open.ask.rules.empty();
      held_sessions_ -= open.ask.model_gateway != nullptr;
    }
    drop_claim(claimed);
  }
  transaction.claimed.clear();
}

void Game::drop_claim(const Claimed& claimed) {
  const NaiveUser& user = model_.users.at(claimed.key);
  const bool awaited = user.claims == 1 && user.persist == Persist::held && !user.is_blank();
  if (user.claims == 1) being_forgotten_.erase(claimed.key);
  expect(roster_.drop_claim(claimed.cell) == awaited, "dropping a claim says that it is awaited");
  model_.drop_claim(claimed.key);
}

NaiveRow Game::row_of(Cell cell, const std::vector<Wish>& wishes) {
  roster_.view(cell, wishes, model_.policy, now_, view_);
  return {view_.status,
          view_.last_seen,
          std::string(view_.page()),
          std::string(view_.data()),
          view_.activity_count,
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
