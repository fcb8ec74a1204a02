// extension.cpp: looking ourselves up.
#include "postgres/extension.h"

#include "postgres/settings.h"
#include "postgres/shared/realms.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace presence {

namespace {

Extension current;
bool valid;

// An extension that this transaction has created, and what it has in memory.
struct Creation {
  Oid extension;
  int level;  // of the subtransaction
  RealmRef realm;
} creation;

void forget_relation(Datum, Oid relation) {
  if (relation == InvalidOid || relation == current.user_presence ||
      relation == current.presence_history || relation == current.presence_sessions ||
      relation == current.user_activities || relation == current.channel_presence ||
      relation == current.presence_visibility || relation == current.presence_contacts)
    valid = false;
}

void forget_namespace(Datum, int, uint32) { valid = false; }

struct Found {
  Oid oid;
  Oid schema;
  Oid owner;
};

Found look_up() {
  Found found{};
  ::Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
              CStringGetDatum("presence"));
  SysScanDesc scan = systable_beginscan(extensions, ExtensionNameIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) {
    auto* form = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple));
    found = {form->oid, form->extnamespace, form->extowner};
  }
  systable_endscan(scan);
  table_close(extensions, AccessShareLock);
  return found;
}

Oid look_up_marker(const char* name, Oid schema) {
  oidvector* none = buildoidvector(nullptr, 0);
  return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                         PointerGetDatum(none), ObjectIdGetDatum(schema));
}

// What other extensions of this database have left behind, whose worker has not come to it. Nobody
// can drop this one meanwhile.
void close_realms_of_others(Oid extension, uint64_t identity) {
  LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
  if (look_up_extension() == extension) close_other_realms(identity);
}

RealmRef open_realm_of(Oid extension) {
  const uint64_t identity = realm_identity(MyDatabaseId, extension);
  const Audience audience = current_policy().default_audience;
  const bool is_ours = extension == creation.extension;
  RealmRef realm = open_realm(identity, new_epoch(), audience);
  if (!realm.valid() && !is_ours) {
    close_realms_of_others(extension, identity);
    realm = open_realm(identity, new_epoch(), audience);
  }
  if (!realm.valid())
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("too many databases use presence"),
                    errdetail("There is room for %u.", shared.region.realm_count()),
                    errhint("Raise presence.memory: each %zu kB of it make room for one database.",
                            bytes_per_realm / 1024)));
  if (is_ours) creation.realm = realm;
  return realm;
}

void remember(const Found& found) {
  const bool changed = current.oid != found.oid || current.schema != found.schema;
  current.oid = found.oid;
  current.schema = found.schema;
  current.owner = found.owner;
  current.user_presence = get_relname_relid("user_presence", found.schema);
  current.presence_history = get_relname_relid("presence_history", found.schema);
  current.presence_sessions = get_relname_relid("presence_sessions", found.schema);
  current.user_activities = get_relname_relid("user_activities", found.schema);
  current.channel_presence = get_relname_relid("channel_presence", found.schema);
  current.presence_visibility = get_relname_relid("presence_visibility", found.schema);
  current.presence_contacts = get_relname_relid("presence_contacts", found.schema);
  current.act_for_others = look_up_marker("presence_act_for_others", found.schema);
  current.count_everybody = look_up_marker("presence_count_everybody", found.schema);
  const char* quoted = quote_identifier(get_namespace_name(found.schema));
  if (changed || strcmp(current.quoted_schema, quoted) != 0) current.generation++;
  strlcpy(current.quoted_schema, quoted, sizeof current.quoted_schema);

  const uint64_t identity = realm_identity(MyDatabaseId, found.oid);
  if (current.realm.identity == identity && !current.realm.gone()) return;
  current.realm = {};
  if (RecoveryInProgress()) return;
  current.realm = open_realm_of(found.oid);
}

}  // namespace

void begin_creation(Oid extension) { creation = {extension, GetCurrentTransactionNestLevel(), {}}; }

void undo_creation(int level) {
  if (creation.level < level) return;
  if (creation.realm.valid()) close_realm(creation.realm);
  creation = {};
}

void keep_creation(int level) {
  if (creation.level >= level) creation.level = level - 1;
}

void forget_creation() { creation = {}; }

void watch_extension() {
  CacheRegisterRelcacheCallback(forget_relation, 0);
  CacheRegisterSyscacheCallback(NAMESPACEOID, forget_namespace, 0);
}

// An invalidation that comes during the look-up voids it.
const Extension* find_extension() {
  // A promoted standby had no realm when it looked.
  while (!valid || (current.realm.valid() ? current.realm.gone() : !RecoveryInProgress())) {
    valid = true;
    const Found found = look_up();
    if (!OidIsValid(found.oid)) {
      valid = false;
      return nullptr;
    }
    remember(found);
  }
  return &current;
}

void forget_extension() { valid = false; }

Oid look_up_extension() { return look_up().oid; }

const Extension& extension() {
  if (!shared.attached()) raise_not_preloaded();
  const Extension* found = find_extension();
  if (found == nullptr) raise_gone();
  return *found;
}

void require_primary(const char* function) {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("cannot execute %s on a standby", function),
                    errdetail("A standby has the tables of its primary and cannot change them."),
                    errhint("Call it on the primary. Reading functions work here.")));
}

void require_writable(const char* function) {
  require_primary(function);
  if (XactReadOnly)
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("cannot execute %s in a read-only transaction", function),
                    errdetail("It writes the tables of presence."),
                    errhint("Start a read-write transaction: what it changes is durable. "
                            "presence_touch() and the reading functions work here.")));
}

uint64_t new_epoch() {
  uint64_t epoch;
  if (!pg_strong_random(&epoch, sizeof epoch))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
  return epoch;
}

void raise_gone() {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("extension \"presence\" is not installed in this database"),
                  errhint("Run CREATE EXTENSION presence.")));
}

void raise_not_preloaded() {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("presence is not preloaded"),
           errdetail("It keeps its users in shared memory, which is given out at the start."),
           errhint("Add presence to shared_preload_libraries in postgresql.conf and restart "
                   "the server.")));
}

}  // namespace presence
