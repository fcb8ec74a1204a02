// restore.cpp: lets pg_restore fill the tables, and has the worker load what came.
#include "postgres/transaction/restore.h"

#include "postgres/extension.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
}

namespace presence {

namespace {

int restoring;

bool is_ours(Oid relation) {
  if (!shared.attached() || !OidIsValid(relation)) return false;
  const Extension* ours = find_extension();
  return ours && relation == ours->user_presence;
}

}  // namespace

bool is_restoring() { return restoring > 0; }

int begin_restore(const CopyStmt* statement) {
  if (statement->relation && IsTransactionState()) {
    const Oid relation = RangeVarGetRelid(statement->relation, NoLock, true);
    if (is_ours(relation)) reload_at_commit(extension().realm);
  }
  return ++restoring;
}

void end_restore(int token) { restoring = token - 1; }

void end_all_restores() { restoring = 0; }

}  // namespace presence
