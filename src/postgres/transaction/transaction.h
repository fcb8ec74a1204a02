// transaction.h: what this transaction wants and has not committed yet.
//
// A log in the order of the calls, each entry with its nesting level: ROLLBACK TO takes entries
// from its end, releasing a savepoint gives them to the level above. An entry is a claim on a user
// or a wish for one. Wishes hold the cells that applying them may need, so that COMMIT cannot fail.
//
// All of it is this backend's own memory, in the transaction's context; shared memory sees the
// claims at once and the wishes at COMMIT.
#pragma once

#include <span>

#include "postgres/shared/users.h"

namespace presence {

// A user that this transaction has claimed.
struct ClaimedUser {
  uint64_t hash;  // of realm and id: the key
  RealmRef realm;
  uint32_t partition;
  Cell cell;
  uint32_t id_bytes;
  char id_text[max_id_bytes];
  int count, capacity;
  Wish* wishes;
  RowPlace row_place;  // as of its claim, or where this transaction has found the row
  bool committing;     // others have been told so
  Time rules_since;    // when this transaction changed its rules first; never: it has not

  std::string_view id() const { return {id_text, id_bytes}; }
};

// In _PG_init: the callbacks of transactions and subtransactions.
void init_transaction();

// Claims a user; who is claimed already stays so. Waits for the persister's transaction when it
// has the user's row. May raise an error; the claim goes with the transaction.
ClaimedUser* claim_for_change(const RealmRef& realm, const UserKey& key);

// Waits while the worker has a transaction that writes rows of the realm.
void wait_for_persister(const RealmRef& realm);

// Waits while other transactions that changed these users are between their commit record and
// memory. Call it with the users' rows locked.
void wait_for_commits(ClaimedUser* const* users, int count);

// Adds a wish for a claimed user. Raises 53200 when there is no room for it. Of a wish about a
// session the id is copied.
void add_wish(ClaimedUser* user, const WishParts& parts);

// The user for whom this transaction wants to connect the session; nobody: nullptr.
const ClaimedUser* user_connecting(const SessionKey& session);
// What the transaction's last wish about the session is; nothing: it has none.
std::optional<ChangeKind> last_wish_about(const ClaimedUser* user, std::string_view session_id);
// The claimed user, if it is one.
const ClaimedUser* claimed_user(const UserKey& key);

// The wishes of this transaction for a user: none for most.
std::span<const Wish> wishes_for(const UserKey& key);

// Calls `use` with each user for whom there are wishes.
void for_each_wisher(void (*use)(const ClaimedUser&, void*), void* context);
int wisher_count();

// presence_reset: at COMMIT, before all wishes.
void reset_at_commit(const RealmRef& realm);
// Rows came by import or restore: at COMMIT the worker loads them.
void reload_at_commit(const RealmRef& realm);
// Rows of sessions or members came by a restore: at COMMIT the worker looks who knows them.
void clean_at_commit(const RealmRef& realm);
// Rules of users came by a restore: just before COMMIT memory gets to know them.
void know_rules_at_commit(const RealmRef& realm);
// The extension is dropped: at COMMIT the worker looks.
void drop_at_commit(const RealmRef& realm);
// A snapshot is being taken from now on (shared/work.h), until it is released or the transaction
// ends. One that has shown the transaction's own changes is not to be released: it counts as being
// taken until they are true, or taken back.
int hold_snapshot(const RealmRef& realm);
void release_snapshot(int held);
// The extension is made: at COMMIT the launcher looks.
void start_at_commit();
bool has_changes();

}  // namespace presence
