// game_steps.cpp: which step comes next; users who come, touch and go; time.
#include <algorithm>

#include "game.h"

namespace presence::test {

namespace {

constexpr std::array<Policy, 4> policies = {
    Policy{}, Policy{minute, 2 * minute, 30 * second, 0, second, second},
    Policy{10 * second, 40 * minute, 90 * second, minute, minute, 0, Audience::contacts},
    Policy{20 * minute, 25 * minute, 10 * minute}};

}  // namespace

// What is more frequent stands here more often.
void Game::step() {
  using Step = void (Game::*)();
  static constexpr std::array<Step, 44> steps = {&Game::touch,
                                                 &Game::touch,
                                                 &Game::touch,
                                                 &Game::touch,
                                                 &Game::let_time_pass,
                                                 &Game::let_time_pass,
                                                 &Game::let_time_pass,
                                                 &Game::wish,
                                                 &Game::wish,
                                                 &Game::wish,
                                                 &Game::wish,
                                                 &Game::commit_one,
                                                 &Game::roll_back_one,
                                                 &Game::claim_alone,
                                                 &Game::settle,
                                                 &Game::settle_one,
                                                 &Game::take_announcements,
                                                 &Game::begin_writing,
                                                 &Game::end_writing,
                                                 &Game::mark_for_writing,
                                                 &Game::evict,
                                                 &Game::load,
                                                 &Game::wish,
                                                 &Game::wish,
                                                 &Game::commit_one,
                                                 &Game::heartbeat,
                                                 &Game::heartbeat,
                                                 &Game::hear_gateway,
                                                 &Game::work_on_session_rows,
                                                 &Game::queue_activity,
                                                 &Game::touch,
                                                 &Game::wish,
                                                 &Game::wish,
                                                 &Game::commit_one,
                                                 &Game::move,
                                                 &Game::move,
                                                 &Game::move,
                                                 &Game::type,
                                                 &Game::type,
                                                 &Game::tell_members,
                                                 &Game::tell_members,
                                                 &Game::tell_one_realm,
                                                 &Game::work_on_member_rows,
                                                 &Game::something_rare};
  (this->*dice_.one_of(steps))();
  note_records();
}

void Game::something_rare() {
  using Step = void (Game::*)();
  static constexpr std::array<Step, 8> steps = {
      &Game::change_policy,      &Game::blank_all, &Game::remove_all, &Game::recover_writing,
      &Game::work_on_activities, &Game::unbind,    &Game::unbind,     &Game::work_on_activities};
  (this->*dice_.one_of(steps))();
}

// ---- users, and time

Key Game::some_key() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(busy_realms_));
  return {realm, dice_.one_of(ids)};
}

// As a backend does: who is not there is loaded from the row, or is new.
Cell Game::bring(const Key& key) {
  const Cell there = roster_.find(user_key(key));
  if (there != no_cell) return there;
  const auto row = rows_.find(key);
  return row == rows_.end() ? add(key) : load(key, row->second, never);
}

Cell Game::add(const Key& key) {
  const uint32_t needed = 1 + cells_of_id(key.second);
  const uint32_t free = free_cells();
  const Cell cell = roster_.add(user_key(key));
  log("add " + short_name(key) + (cell == no_cell ? ": full" : ""));
  expect((cell != no_cell) == (needed <= free), "add has room");
  if (cell != no_cell) model_.add(key);
  return cell;
}

Cell Game::load(const Key& key, const NaiveRow& row, Time session_ends_at) {
  Row given;
  given.status = row.status;
  given.last_seen = row.last_seen;
  given.page = row.page;
  given.data = row.data;
  given.activity_count = row.activity_count;
  given.session_ends_at = session_ends_at;
  const GivenRules& rules = rules_in_table(key);
  const RulesAsFacts facts(rules);
  if (!rules.empty()) given.visibility = &facts.facts;
  uint32_t needed = 1 + cells_of_id(key.second) + cells_of_text(row.page.size()) +
                    cells_of_text(row.data.size()) + (!row.choices.empty() || !rules.empty()) +
                    cells_of_rules(region_, key.first, rules) + (row.status != Status::offline);
  for (auto choice = row.choices.rbegin(); choice != row.choices.rend(); ++choice) {
    given.choices.layers[given.choices.count++] = {choice->status.value_or(Status::offline),
                                                   choice->until, choice->message_until,
                                                   choice->message};
    needed += cells_of_text(choice->message.size());
  }
  const uint32_t free = free_cells();
  const Cell cell = roster_.load(user_key(key), given, model_.policy, now_);
  log("load " + short_name(key) + " " + std::string(presence::name_of(row.status)) + " last seen " +
      when(row.last_seen) + " session until " + when(session_ends_at) +
      (cell == no_cell ? ": full" : ""));
  expect((cell != no_cell) == (needed <= free), "load has room");
  if (cell == no_cell) return no_cell;
  const NaiveUser& user = model_.load(key, row, rules, session_ends_at, now_);
  const bool is_believed = user.told_detail >= Detail::status;
  beliefs_[key] = {is_believed ? user.announced : Status::offline, user.visible.message, user.data};
  if (user.told_detail != Detail::full) beliefs_[key].message = beliefs_[key].data = {};
  return cell;
}

// A row that somebody else wrote, by an import or before a restart.
void Game::load() {
  const Key key = some_key();
  if (roster_.find(user_key(key)) != no_cell) return;
  NaiveRow row;
  row.choices = some_choices();
  row.status = row.choices.empty()
                   ? dice_.one_of(std::array{Status::online, Status::away, Status::offline})
                   : *row.choices.back().status;
  if (dice_.one_in(4)) row.status = Status::offline;
  row.last_seen = now_ - dice_.one_of(pauses);
  if (row.status == Status::offline && dice_.one_in(4)) row.last_seen = forever_ago;
  row.page = text_of(dice_.one_of(std::array{0u, 1u, 121u}), 'l');
  row.data = text_of(dice_.one_of(std::array{0u, 0u, 7u, 130u}), 'd');
  row.activity_count = dice_.below(3);
  const bool is_restart = dice_.one_in(2);
  rows_[key] = row;
  if (dice_.one_in(2)) rule_rows_[key] = some_rules(key).rules;
  for (GivenShown& shown : rule_rows_[key].shown) shown.is_new = false;
  const Time ends_at = is_restart ? now_ + model_.policy.session_timeout : never;
  if (load(key, row, ends_at) == no_cell || !is_restart) return;
  load_sessions(key, ends_at);
  load_members(key);
}

// Its sessions of the last run.
void Game::load_sessions(const Key& key, Time ends_at) {
  const Cell cell = roster_.find(user_key(key));
  for (uint32_t left = dice_.below(4); left > 0; left--) {
    // Somebody may be faster than the worker.
    if (dice_.one_in(8)) touch();
    if (roster_.find(user_key(key)) != cell) return;
    const std::string& id = dice_.one_of(session_ids);
    const Key session{key.first, id};
    // No worker writes a row that is read after a restart.
    if (std::any_of(session_work_.begin(), session_work_.end(),
                    [&](const SessionWork& work) { return work.key == session; }))
      continue;
    NaiveSessionRow row;
    row.user = key.second;
    row.status = dice_.one_of(std::array{Status::online, Status::away, Status::busy});
    row.strongest = std::max(row.status, dice_.one_of(std::array{Status::away, Status::busy}));
    row.active_at = now_ - dice_.one_of(pauses);
    while (!moments_.insert(row.active_at).second) row.active_at--;
    row.connected_at = row.active_at - 1;
    if (dice_.one_in(2)) row.heard_at = now_ - dice_.one_of(pauses);
    if (dice_.one_in(3)) row.lease = dice_.one_of(std::array{10 * second, 240 * minute});
    if (dice_.one_in(4)) row.gateway = dice_.one_of(gateway_names);
    row.page = text_of(dice_.one_of(std::array{0u, 5u, 121u}), 'l');
    row.details = "phone";
    SessionRowFacts given;
    given.key = region_.session_key(key.first, id);
    given.status = row.status;
    given.strongest = row.strongest;
    given.active_at = row.active_at;
    given.heard_at = row.heard_at;
    given.connected_at = row.connected_at;
    given.ends_at = row.ends_at = ends_at;
    given.lease = static_cast<uint32_t>(row.lease / millisecond);
    given.page = row.page;
    if (!row.gateway.empty() && (given.gateway = hold_gateway(key.first, row.gateway)) == no_cell)
      return;
    roster_.settle_user(cell, model_.policy, now_);
    model_.settle(model_.users.at(key), now_);
    const bool fits = 1 + cells_of_id(id) + cells_of_text(row.page.size()) <= free_cells();
    const bool loaded = roster_.load_session(cell, given, model_.policy, now_);
    log("load session " + id.substr(0, 3) + " of " + short_name(key) + " " +
        std::string(presence::name_of(row.status)) + " active at " + when(row.active_at) +
        (row.gateway.empty() ? "" : " of " + row.gateway.substr(0, 2)) + (loaded ? "" : ": not"));
    expect(loaded == (fits && model_.load_session(key, id, row, now_)), "a session is loaded");
    if (!loaded) {
      region_.sessions.release_gateway(given.gateway);
      continue;
    }
    // What the user's own row knew better need not be in this one as well.
    const NaiveSession* there = model_.users.at(key).facts.session(id);
    if (there) row.active_at = there->active_at;
    session_rows_[session] = row;
  }
}

// Of two sessions that were active at the same moment either is the newest: see that there are
// none.
void Game::avoid_ties(const Key& key, bool names_session) {
  bool may_tie = names_session;
  const auto user = model_.users.find(key);
  if (user != model_.users.end())
    for (const NaiveSession& session : user->second.facts.sessions) may_tie |= !session.id.empty();
  for (Transaction& transaction : transactions_)
    if (const Claimed* claimed = transaction.find(key))
      for (const OpenWish& open : claimed->wishes)
        may_tie |= presence::names_session(open.ask.kind);
  if (may_tie)
    while (moments_.count(now_)) now_++;
  moments_.insert(now_);
}

void Game::touch() {
  const Key key = some_key();
  const Cell cell = bring(key);
  if (cell == no_cell) return;
  Touch touch;
  const bool names_session = dice_.one_in(3);
  const std::string& session = dice_.one_of(session_ids);
  if (names_session) touch.session = region_.session_key(key.first, session);
  avoid_ties(key, names_session);
  if (dice_.one_in(4)) {
    Time seen_at = now_ - dice_.one_of(pauses) + 10 * second;
    while (seen_at < now_ && !moments_.insert(seen_at).second) seen_at--;
    touch.seen_at = seen_at;
  }
  std::optional<std::string> page;
  if (dice_.one_in(2)) {
    const uint32_t bytes = dice_.one_of(std::array{0u, 1u, 120u, 121u, 240u});
    page = text_of(bytes, dice_.one_in(2) ? 'p' : 'q');
    touch.page = *page;
  }
  touch.interactions = dice_.below(3);

  NaiveUser& user = model_.users.at(key);
  NaiveUser settled = user;
  model_.settle(settled, now_);
  const Key* owner = names_session ? model_.owner(key.first, session) : nullptr;
  if (owner && *owner == key && !settled.facts.session(session)) owner = nullptr;
  const bool foreign = owner && *owner != key;
  const uint32_t page_cells = page ? cells_of_text(page->size()) : 0;
  const uint32_t texts =
      (page && *page != user.page ? page_cells : 0) + (names_session ? page_cells : 0);
  uint32_t needed = texts;
  if (names_session && !owner) needed += 1 + cells_of_id(session);
  if (!names_session) needed += model_.touch_needs_session(user, touch.seen_at, now_);
  // Settling, which a touch does first, may give cells back.
  if (needed > free_cells()) {
    model_.settle(user, now_);
    roster_.settle_user(cell, model_.policy, now_);
  }
  const uint32_t free = free_cells();
  const bool is_first_dirty = user.persist == Persist::current && !has_dirty(key);
  const bool was_to_announce = user.to_announce;
  const Time due = due_of(region_.pool.at<User>(cell));
  const Touched touched = roster_.touch(cell, touch, model_.policy, now_);
  log("touch " + short_name(key) + (names_session ? " in " + session.substr(0, 3) : "") +
      " seen at " + (touch.seen_at ? when(*touch.seen_at) : "now") +
      (page ? " on a page of " + std::to_string(page->size()) : "") +
      (touched.full ? ": full" : ""));
  expect(touched.full == (needed > free), "touch has room");
  if (touched.full) {
    expect(touched.status == user.visible.status,
           "a touch that finds no room answers with the status");
    expect(!touched.changed, "a touch that finds no room changes nothing");
    remove_if_blank(key, cell);
    return;
  }
  expect(touched.foreign == foreign, "a touch of somebody else's session is refused");
  if (touched.foreign) {
    model_.settle(user, now_);
    expect(touched.changed == (user.to_announce && !was_to_announce),
           "a touch that is refused changes nothing");
    remove_if_blank(key, cell);
    return;
  }
  model_.touch(key, touch.seen_at, page, touch.interactions, now_,
               names_session ? std::string_view(session) : std::string_view{});
  const bool is_sooner = due_of(region_.pool.at<User>(cell)) < due;
  expect(touched.changed == (is_first_dirty || is_sooner || (user.to_announce && !was_to_announce)),
         "touch says that there is something to do");
  expect(touched.status == user.visible.status, "touch answers with the status");
}

bool Game::has_dirty(const Key& near) const {
  for (const auto& [key, user] : model_.users)
    if (key.first == near.first && user_key(key).partition() == user_key(near).partition() &&
        user.persist == Persist::dirty)
      return true;
  return false;
}

// A backend that could do nothing with a user of whom nothing is known leaves nobody behind.
void Game::remove_if_blank(const Key& key, Cell cell) {
  const bool is_blank = model_.users.at(key).is_blank();
  expect(roster_.remove_if_blank(cell) == is_blank, "only who is blank is removed");
  if (is_blank) model_.users.erase(key);
}

void Game::let_time_pass() {
  Duration by = dice_.one_of(pauses);
  if (dice_.one_in(3)) {
    Time due = never;
    for (uint16_t realm = 0; realm < realms; realm++)
      for (uint32_t partition = 0; partition < partition_count; partition++)
        due = std::min(due, roster_.next_due(realm, partition, model_.policy));
    if (due != never && due > now_) by = due - now_ - dice_.below(2);
  }
  now_ += by;
  log("it is " + when(now_));
}

void Game::evict() {
  const uint32_t partition = dice_.below(partition_count);
  const uint32_t wanted = 1 + dice_.below(3);
  const uint32_t evicted = roster_.evict(partition, wanted);
  log("evict from partition " + std::to_string(partition) + ": " + std::to_string(evicted));
  uint32_t evictable = 0;
  std::vector<Key> gone;
  for (const auto& [key, user] : model_.users) {
    if (user_key(key).partition() != partition) continue;
    evictable += user.is_evictable();
    if (roster_.find(user_key(key)) != no_cell) continue;
    expect(user.is_evictable(), "only who is offline, written, told and unclaimed is evicted");
    compare_row(key, user);
    gone.push_back(key);
  }
  expect(evicted == gone.size(), "evict says how many it was");
  expect(evicted == std::min(wanted, evictable), "evict finds whoever there is");
  for (const Key& key : gone) model_.users.erase(key);
}

std::vector<NaiveChoice> Game::some_choices() {
  std::vector<NaiveChoice> choices;
  Time until = now_ + (dice_.one_in(2) ? dice_.one_of(pauses) : -second);
  for (uint32_t left = dice_.below(4); left > 0; left--) {
    NaiveChoice choice{dice_.one_of(std::array{Status::away, Status::busy}), until, some_message(),
                       until};
    if (choice.message.empty()) choice.message_until = never;
    choices.insert(choices.begin(), choice);
    until += dice_.one_of(pauses);
  }
  return choices;
}

// Emptying the tables waits for whoever has written a row, not for those who only claim.
void Game::blank_all() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  for (const Transaction& transaction : transactions_)
    for (const Claimed& claimed : transaction.claimed)
      if (claimed.key.first == realm && !claimed.wishes.empty()) return;
  const uint32_t at_once = 1 + dice_.below(3);
  log("reset realm " + std::to_string(realm) + ", " + std::to_string(at_once) + " at once");
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    uint32_t calls = 0;
    while (!roster_.blank_all(realm, partition, at_once))
      expect(++calls <= ids.size(), "blank_all comes to an end");
  }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    region_.channels.forget_news(realm, partition);
  forget_work(realm);
  std::erase_if(rows_, [&](const auto& row) { return row.first.first == realm; });
  std::erase_if(model_.users, [&](const auto& entry) {
    return entry.first.first == realm && entry.second.claims == 0;
  });
  for (auto& [key, user] : model_.users)
    if (key.first == realm) model_.blank(user);
}

// A realm is removed when nobody can have a transaction in it.
void Game::remove_all() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  for (const Transaction& transaction : transactions_)
    for (const Claimed& claimed : transaction.claimed)
      if (claimed.key.first == realm) return;
  log("remove realm " + std::to_string(realm));
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (!roster_.remove_all(realm, partition, 1)) {
    }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    region_.channels.forget_news(realm, partition);
  region_.sessions.free_gateways(region_.realm(realm).gateways);
  forget_work(realm);
  std::erase_if(rows_, [&](const auto& row) { return row.first.first == realm; });
  std::erase_if(model_.users, [&](const auto& entry) { return entry.first.first == realm; });
}

// Not while somebody has written a row by the old policy, which is put right only by the next
// change.
void Game::change_policy() {
  for (const Transaction& transaction : transactions_)
    for (const Claimed& claimed : transaction.claimed)
      if (!claimed.wishes.empty()) return;
  Policy policy = dice_.one_in(2) ? model_.policy : dice_.one_of(policies);
  if (dice_.one_in(2))
    policy.default_audience = dice_.one_of(
        std::array{Audience::everyone, Audience::channel, Audience::contacts, Audience::nobody});
  policy.application_decides = dice_.one_in(6);
  policy.large_channel = large_from;
  told_moves_.clear();
  log("the policy is " + std::to_string(policy.idle_timeout / second) + " " +
      std::to_string(policy.offline_timeout / second) + " " +
      std::to_string(policy.session_timeout / second) + " " +
      std::string(presence::name_of(policy.default_audience)) +
      (policy.application_decides ? ", the application decides" : ""));
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster_.settle(realm, partition, model_.policy, now_, 100)) {
      }
  model_.change_policy(policy, now_);
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster_.apply_policy(realm, partition, policy, now_);
}

}  // namespace presence::test
