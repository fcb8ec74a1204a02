// access.cpp: becoming the owner, and prepared statements.
#include "postgres/tables/access.h"

extern "C" {
#include "access/xact.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

int open_scopes;
int open_at_level;  // the nesting level of the outermost open scope

void close_on_abort(XactEvent event, void*) {
  if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT) open_scopes = 0;
}

void close_on_subabort(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB && open_at_level >= GetCurrentTransactionNestLevel())
    open_scopes = 0;
}

}  // namespace

void init_table_access() {
  RegisterXactCallback(close_on_abort, nullptr);
  RegisterSubXactCallback(close_on_subabort, nullptr);
}

bool is_our_access() { return open_scopes > 0; }

void TableAccess::set(const char* name, const char* value) {
  (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void TableAccess::begin() {
  GetUserIdAndSecContext(&caller_, &caller_context_);
  SetUserIdAndSecContext(extension().owner, caller_context_ | SECURITY_LOCAL_USERID_CHANGE |
                                                SECURITY_RESTRICTED_OPERATION);
  settings_level_ = NewGUCNestLevel();
  set("search_path", "pg_catalog, pg_temp");
  // Plans live as long as the backend, tables grow: never scan them.
  set("enable_seqscan", "off");
  // By that the one scan that a query of somebody's trigger or foreign key has to do counts as dear
  // enough to be compiled, which takes longer than any of these.
  set("jit", "off");
  if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
  if (open_scopes++ == 0) open_at_level = GetCurrentTransactionNestLevel();
}

void TableAccess::begin_many() {
  begin();
  set("plan_cache_mode", "force_generic_plan");
  set("enable_hashjoin", "off");
  set("enable_mergejoin", "off");
}

void TableAccess::begin_worker() {
  begin_many();
  set("lock_timeout", "100");
  AfterTriggerSetState(makeNode(ConstraintsSetStmt));  // SET CONSTRAINTS ALL IMMEDIATE
}

void TableAccess::end() {
  open_scopes--;
  SPI_finish();
  AtEOXact_GUC(false, settings_level_);
  SetUserIdAndSecContext(caller_, caller_context_);
}

SPIPlanPtr prepare(Statement& statement) {
  const Extension& ours = extension();
  if (statement.plan && statement.generation == ours.generation) return statement.plan;
  if (statement.plan) SPI_freeplan(statement.plan);
  statement.plan = nullptr;
  StringInfoData text;
  initStringInfo(&text);
  for (const char* at = statement.text; *at; at++) {
    if (at[0] == '%' && at[1] == 's') {
      appendStringInfoString(&text, ours.quoted_schema);
      at++;
    } else {
      appendStringInfoChar(&text, *at);
    }
  }
  SPIPlanPtr plan = SPI_prepare(text.data, statement.arguments, statement.types);
  if (!plan) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  SPI_keepplan(plan);
  statement.plan = plan;
  statement.generation = ours.generation;
  return plan;
}

namespace {

uint64 checked(int result) {
  if (result < 0) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
  return SPI_processed;
}

}  // namespace

uint64 run(Statement& statement, Datum* values, const char* nulls) {
  return checked(SPI_execute_plan(prepare(statement), values, nulls, false, 0));
}

uint64 run_fresh(Statement& statement, Datum* values, const char* nulls) {
  SPIPlanPtr plan = prepare(statement);
  PushActiveSnapshot(GetLatestSnapshot());
  const int result = SPI_execute_plan(plan, values, nulls, true, 0);
  PopActiveSnapshot();
  return checked(result);
}

bool get_value(uint64 row, int number, Datum& value) {
  bool is_null;
  value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &is_null);
  return !is_null;
}

std::string_view text_of(Datum value) {
  const text* of = DatumGetTextPP(value);
  return {VARDATA_ANY(of), static_cast<size_t>(VARSIZE_ANY_EXHDR(of))};
}

Datum text_datum(std::string_view text) {
  return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

}  // namespace presence
