// change.cpp: the way of a status from the call to the tables.
#include "postgres/transaction/change.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/ahead.h"
#include "postgres/shared/sessions.h"
#include "postgres/tables/row_locks.h"
#include "postgres/tables/row_updates.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"

namespace presence {

Why why_of(std::string_view name) {
  const auto known = reason_named(name);
  if (known && *known != Reason::custom) return {*known, {}};
  return {Reason::custom, name};
}

void view_claimed(const ClaimedUser& user, Time now, UserView& out) {
  const std::span<const Wish> wishes{user.wishes, static_cast<size_t>(user.count)};
  if (view_claimed_user(user.realm, user.partition, user.cell, wishes, current_policy(), now,
                        out) != Answer::done)
    raise_gone();
}

namespace {

std::string_view kept(std::string_view text) {
  char* copy = static_cast<char*>(palloc(text.size() + 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

// What a user's change does to the tables.
struct Writing {
  WrittenRow row;
  Step steps[2];
  int step_count;
  bool changed;
};

// None: there is none.
const Wish* last_about_status(const ClaimedUser& user) {
  for (int i = user.count - 1; i >= 0; i--)
    if (user.wishes[i].change.kind != ChangeKind::set_visibility) return &user.wishes[i];
  return nullptr;
}

// The row was last written with the status `in_row`. Where the user has moved since, by a touch, by
// time or by a connect or a join of this transaction, that step comes first, so that the history is
// one chain.
void add_missed_step(const ClaimedUser& user, const UserView& before, Status in_row,
                     Writing& writing) {
  if (before.status == in_row) return;
  Step& step = writing.steps[writing.step_count++];
  step = {user.id(), in_row, before.status, before.changed_at, kept(before.reason_name())};
  const Wish* wish = last_about_status(user);
  if (!wish) return;
  const Wish& last = *wish;
  if (!names_session(last.change.kind) && last.change.kind != ChangeKind::join) return;
  step.at = last.change.at;
  step.reason = name_of(last.reason == Reason::custom ? Reason::disconnect : last.reason);
}

// To say something in a session that is not there yet makes it, as a touch would.
bool must_connect(const ClaimedUser* user, const SessionKey& session, Time now) {
  const auto last = last_wish_about(user, session.id);
  if (last) return *last != ChangeKind::connect && *last != ChangeKind::disconnect;
  SessionOwner owner;
  return find_session(user->realm, session, current_policy(), now, owner) != Answer::done;
}

void add_change(ClaimedUser* user, const WantedChange& wanted) {
  WishParts parts{
      wanted.change, wanted.message, wanted.why.reason, wanted.why.text, nullptr, {}, {}, {}};
  NewSession session;
  if (wanted.session_id) {
    session.key = user->realm.session_key(*wanted.session_id);
    parts.session = &session;
    if (must_connect(user, session.key, wanted.change.at)) parts.change.kind = ChangeKind::connect;
  }
  add_wish(user, parts);
}

Writing change_one(ClaimedUser* user, const LockedRow& locked, const WantedChange& wanted, Time now,
                   UserView& after) {
  static UserView before;
  static char choices[max_choices_bytes];
  Writing writing{};
  WrittenRow& row = writing.row;
  row.place = locked.place;
  const Status in_row = locked.status;
  view_claimed(*user, now, before);
  add_missed_step(*user, before, in_row, writing);
  add_change(user, wanted);
  view_claimed(*user, now, after);
  if (after.status != before.status)
    writing.steps[writing.step_count++] = {user->id(), before.status, after.status, now,
                                           wanted.why.name()};
  writing.changed = after.status != before.status || after.message() != before.message();

  row.status = after.status;
  row.message = kept(after.message());
  row.has_last_seen = after.has_last_seen;
  row.last_seen = after.last_seen;
  row.page = kept(after.page());
  row.activity_count = after.activity_count;
  const std::size_t bytes = choices_of_user(
      user->partition, user->cell, {user->wishes, static_cast<size_t>(user->count)}, now, choices);
  row.choices = kept({choices, bytes});
  row.went_offline = after.status == Status::offline && before.status != Status::offline;
  row.went_away = before.status != in_row && before.status == Status::away &&
                  before.reason == Reason::idle_timeout;
  row.since = row.went_away ? before.changed_at : now;
  return writing;
}

}  // namespace

namespace {

// To clear what a stranger never chose is nothing, and leaves nothing.
bool comes_to_nothing(const WantedChange& wanted, const UserView& before) {
  if (wanted.change.kind == ChangeKind::log_out) return before.status == Status::offline;
  const bool changes_nothing =
      wanted.change.kind == ChangeKind::clear ||
      (wanted.change.kind == ChangeKind::set_message && wanted.message.value_or("").empty());
  return changes_nothing && !before.has_last_seen && before.message_bytes == 0;
}

}  // namespace

int make_changes(const WantedChange* wanted, int count, UserView& after) {
  const RealmRef realm = extension().realm;
  auto** users =
      static_cast<ClaimedUser**>(palloc(sizeof(ClaimedUser*) * static_cast<Size>(count)));
  auto* ids =
      static_cast<std::string_view*>(palloc(sizeof(std::string_view) * static_cast<Size>(count)));
  auto* locked = static_cast<LockedRow*>(palloc(sizeof(LockedRow) * static_cast<Size>(count)));
  auto* rows = static_cast<WrittenRow*>(palloc(sizeof(WrittenRow) * static_cast<Size>(count)));
  auto* steps = static_cast<Step*>(palloc(sizeof(Step) * 2 * static_cast<Size>(count)));
  KeysAhead keys(realm, count, Use::change, [&](int i) { return wanted[i].user_id; });
  const auto cell_of = [&](int i) { return users[i]->cell; };
  for (int i = 0; i < count; i++) {
    ids[i] = wanted[i].user_id;
    if (wanted[i].session_id)
      check_session_owner(realm, realm.session_key(*wanted[i].session_id), ids[i]);
    users[i] = claim_for_change(realm, keys.at(i));
  }
  if (count == 1) {
    view_claimed(*users[0], current_time(), after);
    if (comes_to_nothing(wanted[0], after)) return 0;
  }

  TableAccess access;
  count == 1 ? access.begin() : access.begin_many();
  for (int i = 0; i < count; i++) locked[i].key_place = users[i]->row_place;
  lock_rows(ids, locked, count, current_time());
  wait_for_commits(users, count);
  // Whoever had the rows is done by now: time is what it is after the wait.
  const Time now = current_time();
  int step_count = 0;
  int changed = 0;
  for (int i = 0; i < count; i++) {
    fetch_claimed_ahead(i, count, cell_of);
    WantedChange at_now = wanted[i];
    at_now.change.at = now;
    const Writing writing = change_one(users[i], locked[i], at_now, now, after);
    rows[i] = writing.row;
    users[i]->row_place = locked[i].key_place;
    for (int step = 0; step < writing.step_count; step++) steps[step_count++] = writing.steps[step];
    changed += writing.changed;
  }
  update_rows(rows, count, now);
  write_history(steps, step_count);
  access.end();
  return changed;
}

// ---- sessions --------------------------------------------------------------

void raise_foreign_session(std::string_view session_id) {
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("session \"%.*s\" belongs to another user",
                         static_cast<int>(session_id.size()), session_id.data()),
                  errdetail("A session id belongs to one user while it lives."),
                  errhint("Let presence_connect() make one up.")));
}

void raise_too_many_sessions(std::string_view user_id) {
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("user \"%.*s\" has too many sessions", static_cast<int>(user_id.size()),
                         user_id.data()),
                  errdetail("A user has at most %u at a time.", max_sessions),
                  errhint("Disconnect those that are over, or let their leases end them.")));
}

void check_session_owner(const RealmRef& realm, const SessionKey& session,
                         std::string_view user_id) {
  const ClaimedUser* connecting = user_connecting(session);
  if (connecting && connecting->id() != user_id) raise_foreign_session(session.id);
  const Policy policy = current_policy();
  const Time now = current_time();
  SessionOwner owner;
  if (find_session(realm, session, policy, now, owner) != Answer::done || owner.id() == user_id)
    return;
  // Its time may be up without anybody having looked.
  settle_owner(realm, session, policy, now);
  if (find_session(realm, session, policy, now, owner) == Answer::done && owner.id() != user_id)
    raise_foreign_session(session.id);
}

void make_connected(std::string_view user_id, const NewSession& session, Status status,
                    std::optional<std::string_view> data, std::optional<std::string_view> page,
                    std::string_view gateway, UserView& after) {
  const RealmRef realm = whole_realm();
  check_session_owner(realm, session.key, user_id);
  ClaimedUser* user = claim_for_change(realm, realm.key(user_id));
  const Time now = current_time();
  view_claimed(*user, now, after);
  if (after.session_count >= max_sessions) raise_too_many_sessions(user_id);
  WishParts parts;
  parts.change.kind = ChangeKind::connect;
  parts.change.status = status;
  parts.change.at = now;
  parts.reason = Reason::connect;
  parts.session = &session;
  parts.writes_row = false;
  parts.data = data;
  parts.page = page;
  parts.gateway = gateway;
  add_wish(user, parts);
  view_claimed(*user, now, after);
}

void make_session_known(ClaimedUser* user, const NewSession& session, Time now) {
  static UserView view;
  if (!must_connect(user, session.key, now)) return;
  view_claimed(*user, now, view);
  if (view.session_count >= max_sessions) raise_too_many_sessions(user->id());
  WishParts parts;
  parts.change.kind = ChangeKind::connect;
  parts.change.status = Status::online;
  parts.change.at = now;
  parts.reason = Reason::activity;
  parts.session = &session;
  parts.writes_row = false;
  add_wish(user, parts);
}

namespace {

// Whoever has the session as this transaction sees it; empty: nobody.
std::string_view owner_of(const RealmRef& realm, const SessionKey& session, Time now) {
  static SessionOwner owner;
  const bool stored = find_session(realm, session, current_policy(), now, owner) == Answer::done;
  const ClaimedUser* user = stored ? claimed_user(realm.key(owner.id())) : user_connecting(session);
  const auto last = user ? last_wish_about(user, session.id) : std::nullopt;
  if (last) return *last == ChangeKind::connect ? user->id() : std::string_view{};
  return stored && !owner.disconnected ? owner.id() : std::string_view{};
}

}  // namespace

bool make_disconnected(std::string_view session_id, const Why& why) {
  const RealmRef realm = whole_realm();
  NewSession session;
  session.key = realm.session_key(session_id);
  const Time now = current_time();
  const std::string_view user_id = owner_of(realm, session.key, now);
  if (user_id.empty()) return false;
  ClaimedUser* user = claim_for_change(realm, realm.key(user_id));
  WishParts parts;
  parts.change.kind = ChangeKind::disconnect;
  parts.change.at = now;
  parts.reason = why.reason;
  parts.reason_text = why.text;
  parts.session = &session;
  parts.writes_row = false;
  add_wish(user, parts);
  return true;
}

// ---- forgetting ------------------------------------------------------------

bool make_forgotten(std::string_view user_id) {
  static UserView before;
  const RealmRef realm = extension().realm;
  ClaimedUser* user = claim_for_change(realm, realm.key(user_id));
  TableAccess access;
  access.begin();
  LockedRow locked{};
  const bool was_missing = lock_rows(&user_id, &locked, 1, current_time());
  wait_for_commits(&user, 1);
  // From now on the worker takes no more of the user's activities, and what it has taken it writes
  // before they are deleted.
  begin_forgetting(realm, user->partition, user->cell);
  wait_for_persister(realm);
  const Time now = current_time();
  view_claimed(*user, now, before);
  const Erased erased = erase_rows(user_id);
  access.end();

  WishParts parts;
  parts.change.kind = ChangeKind::forget;
  parts.change.at = now;
  parts.reason = Reason::forgotten;
  add_wish(user, parts);
  const bool had_row = erased.rows > 0 && !was_missing;
  return had_row || erased.history > 0 || erased.activities > 0 || before.has_last_seen ||
         before.message_bytes > 0;
}

}  // namespace presence
