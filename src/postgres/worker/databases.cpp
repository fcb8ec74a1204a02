// databases.cpp: what a command on a database means for its worker.
//
// Only a caller who may run the command on that database holds its worker off: everybody else's
// command fails on its own. An error below the hook ends the hold at once, the end of the
// transaction in any case.
#include "postgres/worker/databases.h"

#include <chrono>
#include <cstring>

#include "postgres/boundary.h"
#include "postgres/transaction/restore.h"
#include "postgres/worker/launcher_table.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "utils/syscache.h"
}

namespace presence {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds polite_wait{1000};  // the worker leaves by itself when it sees the hold
constexpr milliseconds stern_wait{4000};   // after SIGTERM
constexpr milliseconds step{10};

ProcessUtility_hook_type next_hook = nullptr;

bool scan_at_commit = false;  // of this transaction

void run_next(const UtilityCall& call) {
  run_utility_compat(next_hook != nullptr ? next_hook : standard_ProcessUtility, call);
}

// --- Whose worker is in the way ---

bool may_create_databases() {
  if (superuser()) return true;
  HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
  if (!HeapTupleIsValid(tuple)) return false;
  const bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcreatedb;
  ReleaseSysCache(tuple);
  return may;
}

bool is_template(Oid database) {
  HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
  if (!HeapTupleIsValid(tuple)) return false;
  const bool is = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datistemplate;
  ReleaseSysCache(tuple);
  return is;
}

// The database that the caller owns, or none.
Oid own_database(const char* name) {
  const Oid database = get_database_oid(name, true);
  if (!OidIsValid(database) || !owns_database_compat(database, GetUserId())) return InvalidOid;
  return database;
}

// The database that the caller may copy, or none.
Oid template_database(const char* name) {
  if (!may_create_databases()) return InvalidOid;
  const Oid database = get_database_oid(name, true);
  if (!OidIsValid(database)) return InvalidOid;
  if (!is_template(database) && !owns_database_compat(database, GetUserId())) return InvalidOid;
  return database;
}

DefElem* find_option(List* options, const char* name) {
  ListCell* cell;
  foreach (cell, options) {
    DefElem* option = lfirst_node(DefElem, cell);
    if (strcmp(option->defname, name) == 0) return option;
  }
  return nullptr;
}

const char* template_name(const CreatedbStmt* statement) {
  DefElem* option = find_option(statement->options, "template");
  return option != nullptr && option->arg != nullptr ? defGetString(option) : "template1";
}

Oid database_to_rename(const RenameStmt* statement) {
  return statement->renameType == OBJECT_DATABASE ? own_database(statement->subname) : InvalidOid;
}

Oid database_to_move(const AlterDatabaseStmt* statement) {
  if (find_option(statement->options, "tablespace") == nullptr) return InvalidOid;
  return own_database(statement->dbname);
}

// The database that a statement needs without connections, or none.
Oid database_to_clear(Node* statement) {
  switch (nodeTag(statement)) {
    case T_CreatedbStmt:
      return template_database(template_name(castNode(CreatedbStmt, statement)));
    case T_DropdbStmt:
      return own_database(castNode(DropdbStmt, statement)->dbname);
    case T_RenameStmt:
      return database_to_rename(castNode(RenameStmt, statement));
    case T_AlterDatabaseStmt:
      return database_to_move(castNode(AlterDatabaseStmt, statement));
    default:
      return InvalidOid;
  }
}

// --- Holding the worker off ---

void wait_a_step() {
  WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, step.count(),
            PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

// False when the worker is still there after that time.
bool worker_left_within(milliseconds patience, Oid database) {
  const Clock::time_point end = Clock::now() + patience;
  while (current_worker_pid(database) != 0) {
    if (Clock::now() >= end) return false;
    wait_a_step();
  }
  return true;
}

// Goes on in any case: with the worker still there, the command waits for it and fails as with any
// other connection.
void clear_database(Oid database) {
  hold_off_worker(database);
  if (worker_left_within(polite_wait, database)) return;
  terminate_worker(database);
  worker_left_within(stern_wait, database);
}

void run_without_worker(const UtilityCall& call, Oid database) {
  PG_TRY();
  {
    clear_database(database);
    run_next(call);
  }
  PG_CATCH();
  {
    release_holds();
    PG_RE_THROW();
  }
  PG_END_TRY();
}

// ALTER DATABASE may allow connections, or make a template of a database. The end of a hold makes
// the launcher look by itself.
void run_database_command(const UtilityCall& call, Oid database) {
  if (IsA(call.statement(), AlterDatabaseStmt)) scan_at_commit = true;
  if (OidIsValid(database))
    run_without_worker(call, database);
  else
    run_next(call);
}

void end_of_transaction(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE:
      if (scan_at_commit) request_scan();
      break;
    case XACT_EVENT_ABORT:
      break;
    default:
      return;
  }
  scan_at_commit = false;
  release_holds();
}

// --- COPY FROM ---

bool is_copy_into_table(Node* statement) {
  if (!IsA(statement, CopyStmt)) return false;
  const CopyStmt* copy = castNode(CopyStmt, statement);
  return copy->is_from && copy->relation != nullptr;
}

void run_copy(const UtilityCall& call) {
  const int token = begin_restore(castNode(CopyStmt, call.statement()));
  PG_TRY();
  { run_next(call); }
  PG_FINALLY();
  { end_restore(token); }
  PG_END_TRY();
}

void run_utility(const UtilityCall& call) {
  if (is_copy_into_table(call.statement()))
    run_copy(call);
  else
    run_database_command(call, database_to_clear(call.statement()));
}

}  // namespace

void install_utility_hook() {
  next_hook = ProcessUtility_hook;
  ProcessUtility_hook = utility_hook_compat<run_utility>;
  RegisterXactCallback(end_of_transaction, nullptr);
}

}  // namespace presence
