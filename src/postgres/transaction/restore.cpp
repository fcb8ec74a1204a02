// restore.cpp: lets pg_restore fill the tables, and has the worker load what came.
#include "postgres/transaction/restore.h"

#include "postgres/extension.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
}

namespace presence {

namespace {

int restoring;

// People and their rules may come in any order, each with a transaction of its own. One after the
// other: whoever comes later sees the other's rows, and makes memory follow. The rows of sessions
// and members are loaded when they come before the worker's first look, and deleted after it.
void note_restore(Oid relation) {
  if (!shared.attached() || !OidIsValid(relation) || RecoveryInProgress()) return;
  const Extension* ours = find_extension();
  if (!ours || !has_privs_of_role(GetUserId(), ours->owner)) return;
  const bool brings_people = relation == ours->user_presence;
  const bool brings_rules =
      relation == ours->presence_visibility || relation == ours->presence_contacts;
  const bool brings_connected =
      relation == ours->presence_sessions || relation == ours->channel_presence;
  if (brings_connected) clean_at_commit(extension().realm);
  if (!brings_people && !brings_rules) return;
  LockRelationOid(ours->user_presence, ShareUpdateExclusiveLock);
  const RealmRef realm = extension().realm;
  if (brings_people) reload_at_commit(realm);
  know_rules_at_commit(realm);
}

}  // namespace

bool is_restoring() { return restoring > 0; }

int begin_restore(const CopyStmt* statement) {
  if (statement->relation && IsTransactionState())
    note_restore(RangeVarGetRelid(statement->relation, NoLock, true));
  return ++restoring;
}

void end_restore(int token) { restoring = token - 1; }

void end_all_restores() { restoring = 0; }

}  // namespace presence
