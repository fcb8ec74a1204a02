// authorize.cpp: finding the function and asking it.
//
// It is found anew by each call: it may have been replaced, and whether the caller may execute it
// may have changed. What it does it does in the caller's transaction, as the caller.
#include "postgres/sql/authorize.h"

#include <optional>

#include "postgres/settings.h"
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

constexpr int argument_count = 3;

// 42883 when there is none. InvalidOid never comes back.
Oid find_function(const char* name) {
  ::List* names = qualified_names_compat(name);
  if (list_length(names) < 2)
    ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                    errmsg("presence.authorize_function names a function without its schema"),
                    errdetail("The caller's search_path would choose it."),
                    errhint("Name it with its schema, like app.may_join.")));
  const Oid types[argument_count] = {TEXTOID, TEXTOID, TEXTOID};
  const Oid function = LookupFuncName(names, argument_count, types, true);
  if (!OidIsValid(function))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                    errmsg("presence.authorize_function names a function that does not exist"),
                    errdetail("There is no %s(text, text, text).", name),
                    errhint("Create it, or set presence.authorize_function to ''.")));
  if (get_func_rettype(function) != BOOLOID || get_func_retset(function))
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("%s(text, text, text) must return boolean", name),
                    errhint("It says whether the user may, or NULL: there is no such channel.")));
  return function;
}

void check_execute(Oid function, const char* name) {
  if (may_execute_compat(function, GetUserId())) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for function %s", name),
                  errdetail("presence.authorize_function is asked with the caller's rights."),
                  errhint("GRANT EXECUTE on it to whoever may join channels.")));
}

// What it says; nothing is NULL.
std::optional<bool> ask(Oid function, std::string_view user_id, std::string_view channel_id,
                        const char* action) {
  FmgrInfo info;
  fmgr_info(function, &info);
  LOCAL_FCINFO(call, argument_count);
  InitFunctionCallInfoData(*call, &info, argument_count, DEFAULT_COLLATION_OID, nullptr, nullptr);
  const Datum arguments[argument_count] = {text_datum(user_id), text_datum(channel_id),
                                           text_datum(action)};
  for (int i = 0; i < argument_count; i++) {
    call->args[i].value = arguments[i];
    call->args[i].isnull = false;
  }
  const Datum answer = FunctionCallInvoke(call);
  if (call->isnull) return std::nullopt;
  return DatumGetBool(answer);
}

}  // namespace

void authorize(std::string_view user_id, std::string_view channel_id, const char* action) {
  if (settings.authorize_function == nullptr || *settings.authorize_function == '\0') return;
  // It may set it to something else.
  const char* name = pstrdup(settings.authorize_function);
  const Oid function = find_function(name);
  check_execute(function, name);
  const std::optional<bool> allowed = ask(function, user_id, channel_id, action);
  const auto user = static_cast<int>(user_id.size());
  const auto channel = static_cast<int>(channel_id.size());
  if (!allowed)
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("there is no channel \"%.*s\"", channel, channel_id.data()),
                    errdetail("%s said so.", name),
                    errhint("Make it in the application first, or look at its id.")));
  if (!*allowed)
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("user \"%.*s\" is not allowed in channel \"%.*s\"", user, user_id.data(),
                           channel, channel_id.data()),
                    errdetail("%s said so about \"%s\".", name, action),
                    errhint("The application decides who may.")));
}

}  // namespace presence
