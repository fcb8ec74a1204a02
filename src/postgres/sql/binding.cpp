// binding.cpp: what a backend leaves behind when it exits, however it does.
//
// The ids of the bound sessions are this backend's own memory. A connect that is rolled back leaves
// one here that finds no session, which does no harm.
#include "postgres/sql/binding.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/sessions.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "storage/ipc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

struct Bound {
  char id[max_id_bytes + 1];
};

HTAB* bound;
uint32_t binder;
long prune_at = 1024;
RealmRef bound_realm;

// Only shared memory and the locks of it are used here: the backend may be dying.
void unbind_all(int, Datum) {
  HASH_SEQ_STATUS all;
  hash_seq_init(&all, bound);
  const Policy policy = current_policy();
  const Time now = current_time();
  while (auto* entry = static_cast<Bound*>(hash_seq_search(&all)))
    unbind_session(bound_realm, bound_realm.session_key(entry->id), binder, policy, now);
}

void begin() {
  if (bound) return;
  HASHCTL control{};
  control.keysize = sizeof(Bound);
  control.entrysize = sizeof(Bound);
  control.hcxt = TopMemoryContext;
  bound = hash_create("presence: bound sessions", 256, &control,
                      HASH_ELEM | hash_strings_compat | HASH_CONTEXT);
  binder = shared.header->binders.fetch_add(1) + 1;
  before_shmem_exit(unbind_all, 0);
}

// A connection that lives for months forgets the sessions that are no more.
void prune() {
  // Those of this transaction are not there yet.
  if (hash_get_num_entries(bound) < prune_at || has_changes()) return;
  HASH_SEQ_STATUS all;
  hash_seq_init(&all, bound);
  SessionOwner owner;
  const Policy policy = current_policy();
  const Time now = current_time();
  while (auto* entry = static_cast<Bound*>(hash_seq_search(&all)))
    if (find_session(bound_realm, bound_realm.session_key(entry->id), policy, now, owner) ==
        Answer::missing)
      hash_search(bound, entry->id, HASH_REMOVE, nullptr);
  prune_at = Max(1024, 2 * hash_get_num_entries(bound));
}

}  // namespace

uint32_t bind_session(const SessionKey& key) {
  begin();
  // Of an extension that was dropped nothing is left to unbind.
  bound_realm = extension().realm;
  prune();
  Bound entry{};
  std::memcpy(entry.id, key.id.data(), key.id.size());
  hash_search(bound, entry.id, HASH_ENTER, nullptr);
  return binder;
}

}  // namespace presence
