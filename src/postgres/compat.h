// compat.h: what differs between PostgreSQL 13 and 18, and the only file with an #if on the
// version.
//
// One island a difference: the body of the extension calls foo_compat() and never asks for the
// version. To add one, append an island with the version in which the thing changed. Included by
// boundary.h, after postgres.h.
#pragma once

extern "C" {
#include "access/genam.h"
#include "catalog/pg_database.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "pgstat.h"
#include "replication/message.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/regproc.h"
#include "utils/varlena.h"
#if PG_VERSION_NUM >= 140000
#include "utils/wait_event.h"  // PG_WAIT_EXTENSION; part of pgstat.h before
#endif
}

namespace presence {

// 15: shared memory and LWLocks are asked for in a hook; before, in _PG_init itself.
#if PG_VERSION_NUM >= 150000
template <void (*request)()>
void request_shmem_compat() {
  static shmem_request_hook_type next = nullptr;
  next = shmem_request_hook;
  shmem_request_hook = [] {
    if (next != nullptr) next();
    request();
  };
}
#else
template <void (*request)()>
void request_shmem_compat() {
  request();
}
#endif

// One call of ProcessUtility.
struct UtilityCall {
  PlannedStmt* planned;
  const char* query;
  bool read_only_tree;
  ProcessUtilityContext context;
  ParamListInfo parameters;
  QueryEnvironment* environment;
  DestReceiver* receiver;
  QueryCompletion* completion;

  Node* statement() const { return planned->utilityStmt; }
};

// 14: ProcessUtility is told whether it may scribble on the tree.
#if PG_VERSION_NUM >= 140000
template <void (*handler)(const UtilityCall&)>
void utility_hook_compat(PlannedStmt* planned, const char* query, bool read_only_tree,
                         ProcessUtilityContext context, ParamListInfo parameters,
                         QueryEnvironment* environment, DestReceiver* receiver,
                         QueryCompletion* completion) {
  handler({planned, query, read_only_tree, context, parameters, environment, receiver, completion});
}

inline void run_utility_compat(ProcessUtility_hook_type run, const UtilityCall& call) {
  run(call.planned, call.query, call.read_only_tree, call.context, call.parameters,
      call.environment, call.receiver, call.completion);
}
#else
template <void (*handler)(const UtilityCall&)>
void utility_hook_compat(PlannedStmt* planned, const char* query, ProcessUtilityContext context,
                         ParamListInfo parameters, QueryEnvironment* environment,
                         DestReceiver* receiver, QueryCompletion* completion) {
  handler({planned, query, false, context, parameters, environment, receiver, completion});
}

inline void run_utility_compat(ProcessUtility_hook_type run, const UtilityCall& call) {
  run(call.planned, call.query, call.context, call.parameters, call.environment, call.receiver,
      call.completion);
}
#endif

// 16: one function checks the owner of any object. A superuser owns everything.
#if PG_VERSION_NUM >= 160000
inline bool owns_database_compat(Oid database, Oid role) {
  return object_ownercheck(DatabaseRelationId, database, role);
}
#else
inline bool owns_database_compat(Oid database, Oid role) {
  return pg_database_ownercheck(database, role);
}
#endif

// 17: a process is known by its ProcNumber, from 0; before, its PGPROC has a number of the same
// meaning.
#if PG_VERSION_NUM >= 170000
inline int my_proc_number_compat() { return MyProcNumber; }
#else
inline int my_proc_number_compat() { return MyProc->pgprocno; }
#endif

// 15: a prefix of settings is reserved rather than only warned about.
#if PG_VERSION_NUM >= 150000
inline void reserve_guc_prefix_compat(const char* prefix) { MarkGUCPrefixReserved(prefix); }
#else
inline void reserve_guc_prefix_compat(const char* prefix) { EmitWarningsOnPlaceholders(prefix); }
#endif

// 14: keys that are strings are said to be strings.
#if PG_VERSION_NUM >= 140000
inline constexpr int hash_strings_compat = HASH_STRINGS;
#else
inline constexpr int hash_strings_compat = 0;
#endif

// 17: a message may be flushed at once; before, that was not asked.
#if PG_VERSION_NUM >= 170000
inline void log_message_compat(const char* prefix, const char* message, size_t bytes) {
  (void)LogLogicalMessage(prefix, message, bytes, true, false);
}
#else
inline void log_message_compat(const char* prefix, const char* message, size_t bytes) {
  (void)LogLogicalMessage(prefix, message, bytes, true);
}
#endif

// 16: the right to execute a function is that of any object, and a list of names may fail softly.
#if PG_VERSION_NUM >= 160000
inline bool may_execute_compat(Oid function, Oid role) {
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
}
inline ::List* qualified_names_compat(const char* name) {
  return stringToQualifiedNameList(name, nullptr);
}
#else
inline bool may_execute_compat(Oid function, Oid role) {
  return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
}
inline ::List* qualified_names_compat(const char* name) { return stringToQualifiedNameList(name); }
#endif

// 18: a scan of an index may count what it does.
#if PG_VERSION_NUM >= 180000
inline IndexScanDesc index_beginscan_compat(::Relation table, ::Relation index, Snapshot snapshot,
                                            int keys) {
  return index_beginscan(table, index, snapshot, nullptr, keys, 0);
}
#else
inline IndexScanDesc index_beginscan_compat(::Relation table, ::Relation index, Snapshot snapshot,
                                            int keys) {
  return index_beginscan(table, index, snapshot, keys, 0);
}
#endif

// 14: a row is written into a table that need not be in a list of tables. There are no triggers of
// rows, so that nothing has to be checked again for them.
#if PG_VERSION_NUM >= 140000
inline constexpr bool can_update_rows_compat = true;
inline void update_row_compat(ResultRelInfo* target, EState* state, TupleTableSlot* before,
                              TupleTableSlot* after) {
  ExecSimpleRelationUpdate(target, state, nullptr, before, after);
}
#else
inline constexpr bool can_update_rows_compat = false;
inline void update_row_compat(ResultRelInfo*, EState*, TupleTableSlot*, TupleTableSlot*) {}
#endif

// 15: the tuplestore of a function that returns a set is made by the server.
#if PG_VERSION_NUM >= 160000
inline void start_rows_compat(FunctionCallInfo call) { InitMaterializedSRF(call, 0); }
inline void start_values_compat(FunctionCallInfo call) {  // of one column
  InitMaterializedSRF(call, MAT_SRF_USE_EXPECTED_DESC);
}
#elif PG_VERSION_NUM >= 150000
inline void start_rows_compat(FunctionCallInfo call) { SetSingleFuncCall(call, 0); }
inline void start_values_compat(FunctionCallInfo call) {
  SetSingleFuncCall(call, SRF_SINGLE_USE_EXPECTED);
}
#else
inline void start_materialized(FunctionCallInfo call, bool is_row) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(call->resultinfo);
  if (result == nullptr || !IsA(result, ReturnSetInfo) ||
      !(result->allowedModes & SFRM_Materialize))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("set-valued function called in context that cannot accept a set")));
  MemoryContext before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
  TupleDesc type = is_row ? nullptr : CreateTupleDescCopy(result->expectedDesc);
  if (is_row && get_call_result_type(call, nullptr, &type) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  result->returnMode = SFRM_Materialize;
  result->setResult =
      tuplestore_begin_heap(result->allowedModes & SFRM_Materialize_Random, false, work_mem);
  result->setDesc = type;
  MemoryContextSwitchTo(before);
}
inline void start_rows_compat(FunctionCallInfo call) { start_materialized(call, true); }
inline void start_values_compat(FunctionCallInfo call) { start_materialized(call, false); }
#endif

}  // namespace presence
