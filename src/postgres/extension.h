// extension.h: our own objects in this database, by oid, and the realm.
//
// Looked up once and remembered until an invalidation says that it may have changed. The
// call checks everything that a function of ours needs: preloaded, extension there.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

struct Extension {
  Oid oid;
  Oid schema;
  Oid owner;
  Oid user_presence;
  Oid presence_history;
  Oid presence_sessions;
  Oid user_activities;
  Oid channel_presence;
  Oid presence_visibility;
  Oid presence_contacts;
  Oid act_for_others, count_everybody;  // the marker functions
  char quoted_schema[2 * NAMEDATALEN + 3];
  RealmRef realm;
  uint64_t generation;  // another one: whatever was prepared is void
};

// In _PG_init.
void watch_extension();

// Raises 55000 when the library is not preloaded or the extension is not there.
const Extension& extension();

// The same without an error: nothing when there is none. For the worker.
const Extension* find_extension();

// What is remembered is void.
void forget_extension();

// The extension's oid as the catalog has it now, remembered or not.
Oid look_up_extension();

// The transaction creates this extension. When it comes to nothing, with the transaction or with a
// subtransaction of this level or above, nothing of it is left in memory.
void begin_creation(Oid extension);
void undo_creation(int level);
void keep_creation(int level);  // by the level below
void forget_creation();         // the transaction has ended

// Raises 25006 on a standby: for whatever changes shared memory.
void require_primary(const char* function);
// Raises 25006 also in a READ ONLY transaction: for whatever writes tables.
void require_writable(const char* function);

uint64_t new_epoch();

[[noreturn]] void raise_gone();
[[noreturn]] void raise_not_preloaded();

}  // namespace presence
