// module.cpp: what happens when the library is loaded.
//
// Preloaded: settings, shared memory, hooks, callbacks, the launcher. Otherwise nothing: each
// function then says what is missing, so that a dump restores anywhere.
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared_memory.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/name_texts.h"
#include "postgres/tables/access.h"
#include "postgres/transaction/transaction.h"
#include "postgres/worker/databases.h"
#include "postgres/worker/launcher.h"

extern "C" {
#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

namespace presence {

namespace {

object_access_hook_type next_object_access;

// DROP EXTENSION, however it comes about: the worker looks when it commits.
void on_object_access(ObjectAccessType access, Oid kind, Oid object, int part, void* argument) {
  if (next_object_access) next_object_access(access, kind, object, part, argument);
  if (access != OAT_DROP || kind != ExtensionRelationId) return;
  const Extension* ours = find_extension();
  if (ours && ours->oid == object && ours->realm.valid()) drop_at_commit(ours->realm);
  // Its tables may be gone already, and then no invalidation of theirs would be noticed.
  forget_extension();
}

void install_object_access_hook() {
  next_object_access = object_access_hook;
  object_access_hook = on_object_access;
}

}  // namespace

}  // namespace presence

void _PG_init(void) {
  using namespace presence;
  if (!process_shared_preload_libraries_in_progress) return;
  define_settings();
  arrange_shared_memory();
  watch_extension();
  watch_identity();
  init_table_access();
  make_name_texts();
  init_transaction();
  install_utility_hook();
  install_object_access_hook();
  register_launcher();
}
