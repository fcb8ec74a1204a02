// change.h: one durable change of one or many users, from the checked arguments to the rows.
#pragma once

#include "postgres/transaction/transaction.h"

namespace presence {

// Why, as it stands in history and events.
struct Why {
  Reason reason = Reason::manual;
  std::string_view text;  // of a `custom` reason

  std::string_view name() const { return reason == Reason::custom ? text : name_of(reason); }
};
Why why_of(std::string_view name);

struct WantedChange {
  std::string_view user_id;
  Change change;
  std::optional<std::string_view> message;  // nothing keeps the old one
  Why why;
  std::optional<std::string_view> session_id;  // of `say`
};

// How this transaction sees a user that it has claimed.
void view_claimed(const ClaimedUser& user, Time now, UserView& out);

// Claims, locks, applies to this transaction's view and writes rows and history. The users are
// different ones. Returns how many changed their status or message. `after` is the last one's.
int make_changes(const WantedChange* wanted, int count, UserView& after);

// A session of the user connects, at COMMIT. No row is written here: the worker does. Raises 42501
// when the session is another user's. `after` is how this transaction sees the user.
void make_connected(std::string_view user_id, const NewSession& session, Status status,
                    std::optional<std::string_view> data, std::optional<std::string_view> page,
                    std::string_view gateway, UserView& after);
// The session says goodbye, at COMMIT. False: it is not there.
bool make_disconnected(std::string_view session_id, const Why& why);

// A session that is not there yet is made at COMMIT, as a touch would.
void make_session_known(ClaimedUser* user, const NewSession& session, Time now);

// Raises 42501 when the session is another user's.
void check_session_owner(const RealmRef& realm, const SessionKey& session,
                         std::string_view user_id);
[[noreturn]] void raise_too_many_sessions(std::string_view user_id);
[[noreturn]] void raise_foreign_session(std::string_view session_id);

// Erases one user at COMMIT. Whether anything was known.
bool make_forgotten(std::string_view user_id);

}  // namespace presence
