// visibility.cpp: who sees how much of a user: the rules, changed in the caller's transaction, and
// listed.
#include <algorithm>

#include "core/event_json.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/transaction/visibility.h"

extern "C" {
#include "utils/tuplestore.h"
}

namespace presence {

namespace {

// Empty for NULL: everywhere.
std::string_view place_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return {};
  const std::string_view channel_id = channel_argument(call, number);
  if (channel_id == global_channel)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("\"global_presence\" has no rule of its own"),
                    errdetail("Whoever is present is in it."),
                    errhint("Leave channel_id out for a rule that counts everywhere.")));
  return channel_id;
}

// Nothing for an audience of NULL.
std::optional<Rule> rule_argument(FunctionCallInfo call, int audience, int detail) {
  if (call->args[audience].isnull) return std::nullopt;
  if (call->args[detail].isnull) raise_null("detail");
  return Rule{audience_of_text(text_of(call->args[audience].value)),
              detail_of_text(text_of(call->args[detail].value))};
}

void check_other(std::string_view user_id, std::string_view other, const char* name) {
  if (user_id != other) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("user_id and %s must not be the same", name),
                  errhint("Everybody sees all of oneself, whatever the rules say.")));
}

std::string_view other_argument(FunctionCallInfo call, int number, std::string_view user_id,
                                const char* name) {
  const std::string_view other = id_argument(call, number, name);
  check_other(user_id, other, name);
  return other;
}

// In the order of their bytes, each once.
std::span<const std::string_view> contacts_argument(FunctionCallInfo call, int number,
                                                    std::string_view user_id) {
  const Elements given = array_argument(call, number, "contact_ids");
  auto* ids = static_cast<std::string_view*>(MemoryContextAllocHuge(
      CurrentMemoryContext, sizeof(std::string_view) * static_cast<Size>(Max(given.count, 1))));
  for (int i = 0; i < given.count; i++) {
    if (given.nulls[i]) raise_null("an element of contact_ids");
    ids[i] = text_of(given.values[i]);
    check_id(ids[i]);
    check_other(user_id, ids[i], "an element of contact_ids");
  }
  std::sort(ids, ids + given.count);
  return {ids, std::unique(ids, ids + given.count)};
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_set_visibility) {
  extension();
  require_writable("presence_set_visibility()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::optional<Rule> rule = rule_argument(fcinfo, 1, 2);
  make_rule(user_id, place_argument(fcinfo, 3), rule);
  PG_RETURN_VOID();
}

PRESENCE_FUNCTION(presence_add_contact) {
  extension();
  require_writable("presence_add_contact()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view contact_id = other_argument(fcinfo, 1, user_id, "contact_id");
  const Detail own =
      PG_ARGISNULL(2) ? Detail::nothing : detail_of_text(text_of(PG_GETARG_DATUM(2)));
  PG_RETURN_BOOL(make_contact(user_id, contact_id, own));
}

PRESENCE_FUNCTION(presence_remove_contact) {
  extension();
  require_writable("presence_remove_contact()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  PG_RETURN_BOOL(make_no_contact(user_id, other_argument(fcinfo, 1, user_id, "contact_id")));
}

PRESENCE_FUNCTION(presence_set_contacts) {
  extension();
  require_writable("presence_set_contacts()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  PG_RETURN_INT32(make_contacts(user_id, contacts_argument(fcinfo, 1, user_id)));
}

PRESENCE_FUNCTION(presence_block) {
  extension();
  require_writable("presence_block()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  PG_RETURN_BOOL(make_blocked(user_id, other_argument(fcinfo, 1, user_id, "other")));
}

PRESENCE_FUNCTION(presence_unblock) {
  extension();
  require_writable("presence_unblock()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  PG_RETURN_BOOL(make_unblocked(user_id, other_argument(fcinfo, 1, user_id, "other")));
}

// ---- listing ---------------------------------------------------------------

namespace presence {

namespace {

// Empty is NULL.
void put_rule(ReturnSetInfo* result, std::string_view rule, std::string_view subject,
              std::string_view audience, std::string_view detail) {
  const std::string_view texts[] = {rule, subject, audience, detail};
  Datum values[4] = {};
  bool nulls[4];
  for (int i = 0; i < 4; i++) {
    nulls[i] = texts[i].empty();
    if (!nulls[i]) values[i] = text_datum(texts[i]);
  }
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// In the order in which they are asked.
void put_rules(ReturnSetInfo* result, const VisibilityRows& rows) {
  for (const RelationRow& row : rows.relations)
    if (row.is_blocked) put_rule(result, "block", row.contact_id, {}, name_of(Detail::nothing));
  for (const RelationRow& row : rows.relations)
    if (row.is_contact)
      put_rule(result, "contact", row.contact_id, {},
               row.own == Detail::nothing ? std::string_view{} : name_of(row.own));
  for (const RuleRow& row : rows.of_channels)
    put_rule(result, "channel", row.channel_id, name_of(row.rule->audience),
             name_of(row.rule->detail));
  if (const auto rule = rows.rule())
    put_rule(result, "user", {}, name_of(rule->audience), name_of(rule->detail));
  put_rule(result, "default", {}, name_of(current_policy().default_audience),
           name_of(Detail::full));
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_visibility_of) {
  extension();
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  start_rows_compat(fcinfo);
  TableAccess access;
  access.begin();
  put_rules(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo), read_visibility_fresh(user_id));
  access.end();
  return 0;
}
