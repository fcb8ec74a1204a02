// application_function.cpp: the look-up and the call.
#include "postgres/sql/application_function.h"

#include "postgres/tables/access.h"

extern "C" {
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
}

namespace presence {

namespace {

void check_execute(Oid function, const ApplicationFunction& wanted) {
  if (may_execute_compat(function, GetUserId())) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for function %s", wanted.name),
                  errdetail("%s is asked with the caller's rights.", wanted.setting),
                  errhint("GRANT EXECUTE on it to whoever calls presence's functions.")));
}

}  // namespace

Oid find_application_function(const ApplicationFunction& wanted) {
  ::List* names = qualified_names_compat(wanted.name);
  if (list_length(names) < 2)
    ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                    errmsg("%s names a function without its schema", wanted.setting),
                    errdetail("The caller's search_path would choose it."),
                    errhint("Name it with its schema, like app.may_join.")));
  const Oid types[application_arguments] = {TEXTOID, TEXTOID, TEXTOID};
  const Oid function = LookupFuncName(names, application_arguments, types, true);
  if (!OidIsValid(function))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                    errmsg("%s names a function that does not exist", wanted.setting),
                    errdetail("There is no %s(text, text, text).", wanted.name),
                    errhint("Create it, or set %s to ''.", wanted.setting)));
  if (get_func_rettype(function) != wanted.result || get_func_retset(function))
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("%s(text, text, text) must return %s", wanted.name, wanted.result_name),
                    errhint("%s", wanted.meaning)));
  check_execute(function, wanted);
  return function;
}

NullableDatum ask_application(Oid function,
                              const std::string_view (&arguments)[application_arguments]) {
  FmgrInfo info;
  fmgr_info(function, &info);
  NullableDatum answer{0, true};
  LOCAL_FCINFO(call, application_arguments);
  InitFunctionCallInfoData(*call, &info, application_arguments, DEFAULT_COLLATION_OID, nullptr,
                           nullptr);
  for (int i = 0; i < application_arguments; i++) {
    call->args[i].isnull = arguments[i].data() == nullptr;
    call->args[i].value = call->args[i].isnull ? Datum{0} : text_datum(arguments[i]);
    if (call->args[i].isnull && info.fn_strict) return answer;
  }
  answer.value = FunctionCallInvoke(call);
  answer.isnull = call->isnull;
  return answer;
}

}  // namespace presence
