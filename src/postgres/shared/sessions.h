// sessions.h: one session at a time, found by its id alone.
//
// A session's id tells in which partition its user is; with that partition's lock it is looked up
// once more. None of these can raise an error.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Whose session it is, if it is known: `user_id` has room for max_id_bytes.
struct SessionOwner {
  uint32_t id_bytes;
  char id_text[max_id_bytes];
  bool disconnected;  // it has said goodbye, or is over
  bool is_secret;     // nobody can guess its id

  std::string_view id() const { return {id_text, id_bytes}; }
};
Answer find_session(const RealmRef& realm, const SessionKey& key, const Policy& policy, Time now,
                    SessionOwner& owner);

// missing: unknown, over, or gone with a goodbye.
Answer heartbeat_session(const RealmRef& realm, const SessionKey& key, const Policy& policy,
                         Time now);
// The same for many, one lock of the users' partitions for each portion of them. `unknown` says of
// each whether it is not there; how many those are is returned. `room` is for twice as many
// integers as there are keys.
int heartbeat_sessions(const RealmRef& realm, const SessionKey* keys, int count,
                       const Policy& policy, Time now, bool* unknown, int* room);
// The database connection that the session is bound to is gone.
void unbind_session(const RealmRef& realm, const SessionKey& key, uint32_t binder,
                    const Policy& policy, Time now);
// What is due of the user whose session it is.
void settle_owner(const RealmRef& realm, const SessionKey& key, const Policy& policy, Time now);

// The gateway, heard of now and counted once more; no_cell: full. `lease` is for a new one. What
// its silence has ended stays so.
Cell wake_gateway(const RealmRef& realm, std::string_view name, Duration lease,
                  const Policy& policy, Time now);
// The gateway as it is, counted once more; no_cell: full.
Cell hold_gateway(const RealmRef& realm, std::string_view name, Duration lease, Time now);
void release_gateway(Cell gateway);
// A gateway says that it is there. Returns its sessions; nothing when memory is full.
std::optional<uint32_t> hear_gateway(const RealmRef& realm, std::string_view name, Duration lease,
                                     const Policy& policy, Time now);
// How long a gateway may be silent; nothing when memory is full.
std::optional<Duration> lease_of_gateway(const RealmRef& realm, std::string_view name, Time now);

// Copies the sessions of a user and returns how many there are.
std::size_t sessions_of_user(const RealmRef& realm, const UserKey& key, const Policy& policy,
                             Time now, std::span<SessionView> room);
// Puts a session of the last run in its place. False: it is not needed.
bool load_session(const RealmRef& realm, const UserKey& user, const SessionRowFacts& row,
                  const Policy& policy, Time now);

}  // namespace presence
