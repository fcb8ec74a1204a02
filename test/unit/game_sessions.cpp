// game_sessions.cpp: sessions connect, are heard of, and are compared.
#include <algorithm>

#include "game.h"

namespace presence::test {

namespace {

constexpr Duration gateway_lease = 15 * second;

}  // namespace

// Counted once. As the other side has it: found, or made, or made anew after it was forgotten.
Cell Game::hold_gateway(uint16_t realm, const std::string& name) {
  const Cell cell =
      region_.sessions.hold_gateway(region_.realm(realm).gateways, name, gateway_lease, now_, 1);
  if (cell == no_cell) {
    expect(free_cells() < 1 + cells_of_id(name), "a gateway has room");
    return no_cell;
  }
  const Gateway& gateway = region_.pool.at<Gateway>(cell);
  const Key key{realm, name};
  const auto known = model_.gateways.find(key);
  const bool is_known =
      known != model_.gateways.end() && known->second.heard_at == gateway.heard_at;
  expect(is_known || gateway.heard_at == now_, "a gateway that is made is heard of");
  model_.gateways[key] = {gateway.heard_at, gateway_lease};
  return cell;
}

// Nobody takes somebody else's session, and only what is there says goodbye: so the functions.
bool Game::is_refused(const Transaction& transaction, const Key& key, const Ask& ask) {
  const Key* owner = model_.owner(key.first, ask.session);
  if (owner && *owner != key) {
    const Key other = *owner;
    roster_.settle_user(roster_.find(user_key(other)), model_.policy, now_);
    model_.settle(model_.users.at(other), now_);
    owner = model_.owner(key.first, ask.session);
  }
  if (owner && *owner != key) return true;
  if (owner || ask.kind == ChangeKind::connect) return false;
  for (const Claimed& claimed : transaction.claimed)
    for (const OpenWish& open : claimed.wishes)
      if (claimed.key == key && open.ask.session == ask.session) return false;
  return true;
}

// Mostly one that is let through. Sometimes somebody else was faster, and it will be void.
std::optional<Ask> Game::some_session_ask(const Transaction& transaction, const Key& key) {
  Ask ask;
  ask.kind =
      dice_.one_of(std::array{ChangeKind::connect, ChangeKind::connect, ChangeKind::connect,
                              ChangeKind::disconnect, ChangeKind::disconnect, ChangeKind::say});
  ask.at = now_;
  ask.realm = key.first;
  ask.session = dice_.one_of(session_ids);
  if (ask.kind != ChangeKind::disconnect)
    ask.status = dice_.one_of(std::array{Status::online, Status::away, Status::busy});
  switch (ask.kind) {
    case ChangeKind::connect:
      ask.reason = Reason::connect;
      ask.details = dice_.one_in(2) ? "desk" : text_of(130, 'k');
      if (dice_.one_in(3)) ask.lease = dice_.one_of(std::array{10 * second, 240 * minute});
      if (dice_.one_in(3)) ask.gateway = dice_.one_of(gateway_names);
      if (dice_.one_in(3)) ask.binder = 1 + dice_.below(2);
      if (dice_.one_in(2)) ask.data = text_of(dice_.one_of(std::array{0u, 7u, 130u}), 'd');
      if (dice_.one_in(3)) ask.page = text_of(dice_.one_of(std::array{0u, 5u, 121u}), 'c');
      break;
    case ChangeKind::disconnect:
      ask.reason = dice_.one_of(std::array{Reason::disconnect, Reason::logout, Reason::custom});
      break;
    default:
      if (dice_.one_in(3)) ask.message = some_message();
      if (dice_.one_in(3)) ask.reason = Reason::custom;
      break;
  }
  if (ask.reason == Reason::custom) ask.reason_text = text_of(1 + dice_.below(64), 'w');
  if (!dice_.one_in(8) && is_refused(transaction, key, ask)) return std::nullopt;
  return ask;
}

// Without a settle before: most heartbeats look at nothing but their session.
void Game::heartbeat() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  const std::string& id = dice_.one_of(session_ids);
  const SessionKey session = region_.session_key(realm, id);
  const Key* owner = model_.owner(realm, id);
  const SessionIndex::Found found = region_.sessions.find(session);
  expect((found.session != no_cell) == (owner != nullptr), "who is found by an id");
  if (!owner) return;
  const Key key = *owner;
  NaiveUser& user = model_.users.at(key);
  const uint32_t partition = user_key(key).partition();
  expect(found.user == roster_.find(user_key(key)), "a session knows its user", key);
  expect(roster_.session_in(partition, session) == found.session, "a session is in its partition",
         key);
  expect(roster_.session_in(partition + 1, session) == no_cell, "and in no other", key);
  const NaiveSession before = *user.facts.session(id);
  expect(roster_.is_connected(found.session, model_.policy, now_) ==
             (!before.parting && before.status(model_.policy, now_) != Status::offline),
         "whether a session is connected", key);

  const bool was_told = !user.to_announce;
  const Time due = due_of(region_.pool.at<User>(found.user));
  bool changed;
  const bool counts = roster_.heartbeat(found.session, model_.policy, now_, changed);
  log("heartbeat of " + id.substr(0, 3) + " of " + short_name(key) + (counts ? "" : ": over"));
  const User& stored = region_.pool.at<User>(found.user);
  expect(changed || (due_of(stored) >= due && !(was_told && stored.to_announce)),
         "a heartbeat says that there is something to do", key);
  roster_.settle_user(found.user, model_.policy, now_);
  expect(counts == model_.heartbeat(user, id, now_), "whether a heartbeat counts", key);
}

void Game::unbind() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  const std::string& id = dice_.one_of(session_ids);
  const uint32_t binder = 1 + dice_.below(2);
  const Key* owner = model_.owner(realm, id);
  if (!owner) return;
  const Key key = *owner;
  const Cell session = region_.sessions.find(region_.session_key(realm, id)).session;
  const bool unbound = roster_.unbind(session, binder, model_.policy, now_);
  log("unbind " + id.substr(0, 3) + " of " + short_name(key) + (unbound ? "" : ": not"));
  expect(unbound == model_.unbind(model_.users.at(key), id, binder, now_), "who is unbound", key);
}

// What its silence has ended stays so.
void Game::hear_gateway() {
  const Key key{static_cast<uint16_t>(dice_.below(realms)), dice_.one_of(gateway_names)};
  const Cell cell = hold_gateway(key.first, key.second);
  if (cell == no_cell) return;
  log("gateway " + key.second.substr(0, 2) + "@" + std::to_string(key.first) + " is heard of");
  Gateway& gateway = region_.pool.at<Gateway>(cell);
  if (gateway.heard_at + gateway.lease + model_.policy.disconnect_grace <= now_) {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster_.settle(key.first, partition, model_.policy, now_, 100)) {
      }
    for (auto& [of, user] : model_.users)
      if (of.first == key.first) model_.settle(user, now_);
  }
  gateway.heard_at = model_.gateways.at(key).heard_at = now_;
  region_.sessions.release_gateway(cell);
}

// ---- comparisons

void Game::compare_session(const SessionView& view, const NaiveSession& session,
                           const Key& key) const {
  expect(view.user_id() == key.second, "a session has its user", key);
  expect(view.status == session.status(model_.policy, now_), "a session has its status", key);
  expect(view.active_at == session.active_at, "a session has its last activity", key);
  expect(view.heard_at ==
             (session.gateway ? session.gateway->heard_at : session.heard_at.value_or(forever_ago)),
         "a session has its last heartbeat", key);
  expect(view.lease == session.lease / millisecond, "a session has its lease", key);
  expect(view.page() == session.page, "a session has its page", key);
  expect(view.gateway() == session.gateway_name, "a session has its gateway", key);
  if (view.has_details) expect(view.details() == session.details, "a session has details", key);
  if (!session.id.empty())
    expect(view.connected_at == session.connected_at, "a session knows since when", key);
}

void Game::compare_sessions(const Key& key, Cell cell) {
  const NaiveUser& user = model_.users.at(key);
  static std::array<SessionView, session_ids.size()> room;
  const std::size_t count = roster_.sessions(cell, model_.policy, now_, room);
  std::vector<NaiveSession> wanted = user.facts.sessions;
  std::erase_if(wanted, [&](const NaiveSession& session) {
    return session.status(model_.policy, now_) == Status::offline;
  });
  expect(count == wanted.size(), "how many sessions there are", key);
  for (std::size_t i = 0; i < count; i++) {
    expect(room[i].id() == wanted[i].id, "which sessions there are", key);
    compare_session(room[i], wanted[i], key);
  }
}

}  // namespace presence::test
