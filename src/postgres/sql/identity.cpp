// identity.cpp: rights and claims, remembered until they may have changed.
#include "postgres/sql/identity.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/rates.h"
#include "postgres/shared/sessions.h"
#include "postgres/sql/arguments.h"
#include "postgres/tables/access.h"
#include "postgres/transaction/change.h"

extern "C" {
#include "access/xlog.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"
}

// Outside our namespace, in which a List is another thing.
static bool list_has(const char* list, std::string_view role) {
  List* names = NIL;
  if (!SplitIdentifierString(pstrdup(list), ',', &names)) return false;
  ListCell* cell;
  foreach (cell, names)
    if (role == static_cast<const char*>(lfirst(cell))) return true;
  return false;
}

namespace presence {

// ---- rights ----------------------------------------------------------------

namespace {

// What the catalogs said of one role.
struct Rights {
  bool known;
  Oid role;
  Oid act_for_others, count_everybody;  // the markers
  bool may_act, may_count;
};
Rights rights;

void forget_rights(Datum, int, uint32) { rights.known = false; }

bool may_execute(Oid marker, Oid role) {
  return OidIsValid(marker) && may_execute_compat(marker, role);
}

// An invalidation that comes during the look-up voids it.
const Rights& current_rights() {
  const Oid role = GetUserId();
  const Extension& ours = extension();
  if (rights.role != role || rights.act_for_others != ours.act_for_others ||
      rights.count_everybody != ours.count_everybody)
    rights.known = false;
  while (!rights.known) {
    rights = {true, role, ours.act_for_others, ours.count_everybody, false, false};
    rights.may_act = may_execute(ours.act_for_others, role);
    rights.may_count = rights.may_act || may_execute(ours.count_everybody, role);
  }
  return rights;
}

}  // namespace

void watch_identity() {
  // The owner of the database is a member of pg_database_owner.
  for (const int cache : {PROCOID, AUTHOID, AUTHMEMROLEMEM, DATABASEOID})
    CacheRegisterSyscacheCallback(cache, forget_rights, 0);
}

bool acts_for_others() { return current_rights().may_act; }
bool counts_everybody() { return current_rights().may_count; }

// ---- who it is -------------------------------------------------------------

namespace {

std::string_view session_user() { return GetUserNameFromId(GetSessionUserId(), false); }

// The text or number at a key of the JSON object in a setting; empty: there is none.
std::string_view claim(const char* setting, const char* key) {
  const char* json = GetConfigOption(setting, true, false);
  if (json == nullptr || *json == '\0') return {};
  Jsonb* object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
  if (!JB_ROOT_IS_OBJECT(object)) return {};
  JsonbValue wanted{};
  wanted.type = jbvString;
  wanted.val.string.val = const_cast<char*>(key);
  wanted.val.string.len = static_cast<int>(strlen(key));
  const JsonbValue* found = findJsonbValueFromContainer(&object->root, JB_FOBJECT, &wanted);
  if (found && found->type == jbvString)
    return {found->val.string.val, static_cast<size_t>(found->val.string.len)};
  if (found && found->type == jbvNumeric)
    return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(found->val.numeric)));
  return {};
}

// Nothing: a request that does not say who it is from.
std::optional<std::string_view> claimed_identity() {
  const std::string_view login = session_user();
  if (!list_has(settings.trusted_gateways ? settings.trusted_gateways : "", login)) return login;
  std::string_view id = claim("request.jwt.claims", "sub");
  if (id.empty()) id = claim("hasura.user", "x-hasura-user-id");
  if (id.empty()) return std::nullopt;
  check_id(id);
  return id;
}

std::string_view own_identity() {
  const auto id = claimed_identity();
  if (!id)
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("the request does not say who it is from"),
                    errdetail("Neither \"sub\" of request.jwt.claims nor \"x-hasura-user-id\" of "
                              "hasura.user is set."),
                    errhint("Only requests of users who are logged in may act for themselves.")));
  return *id;
}

[[noreturn]] void raise_not_allowed(const char* what, std::string_view own) {
  ereport(
      ERROR,
      (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("not allowed to act for another user"),
       errdetail("%s is somebody else's: this caller is \"%.*s\" and acts for itself only.", what,
                 static_cast<int>(own.size()), own.data()),
       errhint("Pass NULL for oneself, or use a role with the level \"service\". The claims of a "
               "request count when its login is one of presence.trusted_gateways.")));
}

}  // namespace

std::string_view acting_user_argument(FunctionCallInfo call, int number) {
  if (acts_for_others()) return id_argument(call, number, "user_id");
  const std::string_view own = own_identity();
  if (!call->args[number].isnull && id_argument(call, number, "user_id") != own)
    raise_not_allowed("user_id", own);
  return own;
}

std::optional<std::string_view> viewer_id_argument(FunctionCallInfo call, int number) {
  const bool names_nobody = call->args[number].isnull;
  if (acts_for_others()) {
    if (names_nobody) return std::nullopt;
    return id_argument(call, number, "viewer");
  }
  if (names_nobody) return claimed_identity().value_or(nobody);
  const std::string_view own = own_identity();
  if (id_argument(call, number, "viewer") != own) raise_not_allowed("viewer", own);
  return own;
}

void check_acting_session(const RealmRef& realm, std::string_view session_id) {
  if (!acts_for_others()) check_session_owner(realm, realm.session_key(session_id), own_identity());
}

void check_known_session(const RealmRef& realm, std::string_view session_id) {
  if (acts_for_others()) return;
  SessionOwner owner;
  const SessionKey key = realm.session_key(session_id);
  const bool is_there =
      find_session(realm, key, current_policy(), current_time(), owner) == Answer::done;
  if (is_there ? owner.is_secret : user_connecting(key) == nullptr) return;
  check_session_owner(realm, key, own_identity());
}

void require_service(const char* what) {
  if (acts_for_others()) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("%s is for roles that act for anyone", what),
                  errdetail("The current role acts for itself alone."),
                  errhint("Use a role with the level \"service\".")));
}

void limit_rate(const UserKey& user) {
  if (settings.user_rate == 0 || acts_for_others()) return;
  if (count_call(user.hash, current_time(), static_cast<uint32_t>(settings.user_rate))) return;
  ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                  errmsg("user \"%.*s\" calls too often", static_cast<int>(user.id.size()),
                         user.id.data()),
                  errdetail("At most %d calls a second are let through.", settings.user_rate),
                  errhint("Throttle the client, or raise presence.user_rate.")));
}

}  // namespace presence
