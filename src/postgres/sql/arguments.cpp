// arguments.cpp: the checks.
#include "postgres/sql/arguments.h"

#include <algorithm>

#include "core/channel_name.h"
#include "postgres/tables/rows.h"

extern "C" {
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

int width(std::string_view text) { return static_cast<int>(text.size()); }

// Enough of a bad value to recognise it.
int shown(std::string_view text) { return pg_mbcliplen(text.data(), width(text), 64); }

}  // namespace

void raise_null(const char* name) {
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

void check_id(std::string_view id) {
  if (id.empty())
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("user_id must not be empty"),
                    errhint("Pass the application's own key of the user.")));
  if (id.size() > max_id_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("user_id is too long"),
             errdetail("It has %zu bytes; at most %zu are allowed.", id.size(), max_id_bytes),
             errhint("Pass the application's own key of the user.")));
}

std::string_view id_argument(FunctionCallInfo call, int number, const char* name) {
  if (call->args[number].isnull) raise_null(name);
  const std::string_view id = text_of(call->args[number].value);
  check_id(id);
  return id;
}

void check_session_id(std::string_view id) {
  if (id.empty())
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("session_id must not be empty"),
             errhint("Leave it out, or pass what presence_connect() returned.")));
  if (id.size() > max_id_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("session_id is too long"),
             errdetail("It has %zu bytes; at most %zu are allowed.", id.size(), max_id_bytes),
             errhint("Let presence_connect() make one up.")));
}

std::optional<std::string_view> session_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return std::nullopt;
  const std::string_view id = text_of(call->args[number].value);
  check_session_id(id);
  return id;
}

namespace {

void check_channel_id(std::string_view id, const char* name, std::size_t most_bytes) {
  if (id.empty())
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be empty", name),
                    errhint("\"global_presence\" is the channel of everyone.")));
  if (id.size() > most_bytes)
    ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("%s is too long", name),
                    errdetail("It has %zu bytes; at most %zu are allowed.", id.size(), most_bytes),
                    errhint("Shorten it.")));
}

}  // namespace

std::string_view channel_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) raise_null("channel_id");
  const std::string_view id = text_of(call->args[number].value);
  check_channel_id(id, "channel_id", max_channel_id_bytes);
  return id;
}

std::string_view document_argument(FunctionCallInfo call, int number) {
  constexpr std::string_view prefix = "document_";
  if (call->args[number].isnull) raise_null("document_id");
  const std::string_view id = text_of(call->args[number].value);
  check_channel_id(id, "document_id", max_channel_id_bytes - prefix.size());
  char* channel = static_cast<char*>(palloc(prefix.size() + id.size()));
  std::copy_n(prefix.data(), prefix.size(), channel);
  std::copy_n(id.data(), id.size(), channel + prefix.size());
  return {channel, prefix.size() + id.size()};
}

std::string_view placed_argument(FunctionCallInfo call, int number, const char* name) {
  if (call->args[number].isnull) return {};
  const std::string_view bytes = bytes_of_jsonb(call->args[number].value);
  if (bytes.size() > max_placed_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("%s is too long", name),
             errdetail("It has %zu bytes as jsonb; at most %zu are allowed.", bytes.size(),
                       max_placed_bytes),
             errhint("Keep what others need to draw it, and the rest in a table of your own.")));
  if (has_long_number(call->args[number].value)) {
    const std::size_t text = text_of_jsonb(call->args[number].value).size();
    if (text > max_data_text_bytes)
      ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("%s is too long", name),
                      errdetail("It has %zu bytes as text; at most %zu are allowed.", text,
                                max_data_text_bytes),
                      errhint("Numbers with very many digits are told digit by digit.")));
  }
  return bytes;
}

std::optional<std::string_view> data_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return std::nullopt;
  return check_data(call->args[number].value);
}

std::optional<std::string_view> text_argument(FunctionCallInfo call, int number, const char* name,
                                              std::size_t most_bytes) {
  if (call->args[number].isnull) return std::nullopt;
  const std::string_view text = text_of(call->args[number].value);
  if (text.size() > most_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("%s is too long", name),
             errdetail("It has %zu bytes; at most %zu are allowed.", text.size(), most_bytes),
             errhint("Shorten it.")));
  return text;
}

void check_message(std::string_view message) {
  const auto characters =
      static_cast<std::size_t>(pg_mbstrlen_with_len(message.data(), width(message)));
  if (characters > max_message_characters || message.size() > max_message_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("status_message is too long"),
             errdetail("It has %zu characters; at most %zu are allowed.", characters,
                       max_message_characters),
             errhint("Shorten it.")));
}

std::optional<std::string_view> message_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return std::nullopt;
  const std::string_view message = text_of(call->args[number].value);
  check_message(message);
  return message;
}

std::string_view check_data(Datum user_data) {
  Jsonb* data = DatumGetJsonbP(user_data);
  if (!JB_ROOT_IS_OBJECT(data))
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("user_data must be a JSON object"),
             errhint("For example {\"name\": \"Ann\", \"avatar\": \"/ann.png\"}.")));
  const std::string_view bytes = bytes_of_jsonb(JsonbPGetDatum(data));
  if (bytes.size() > max_data_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("user_data is too long"),
             errdetail("It has %zu bytes as jsonb; at most %zu are allowed.", bytes.size(),
                       max_data_bytes),
             errhint("Keep what others need to show the user, a name and the address of a picture, "
                     "and the rest in a table of your own.")));
  // It is told as text, in a NOTIFY: numbers may be far longer there than here.
  StringInfoData text;
  initStringInfo(&text);
  JsonbToCString(&text, &data->root, VARSIZE(data));
  if (static_cast<std::size_t>(text.len) > max_data_text_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("user_data is too long"),
             errdetail("It has %d bytes as text; at most %zu are allowed.", text.len,
                       max_data_text_bytes),
             errhint("Keep long numbers, which have more bytes as text, somewhere else or as "
                     "strings.")));
  pfree(text.data);
  return bytes;
}

std::string_view reason_argument(FunctionCallInfo call, int number) {
  const auto reason = text_argument(call, number, "reason", max_reason_bytes);
  if (!reason) raise_null("reason");
  if (reason->empty())
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reason must not be empty"),
                    errhint("Leave it out to get 'manual'.")));
  return *reason;
}

Status status_of_text(std::string_view text) {
  const auto status = status_named(text);
  if (!status)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid status \"%.*s\"", shown(text), text.data()),
                    errhint("A status is one of online, away, busy, offline.")));
  return *status;
}

Time expiry_argument(FunctionCallInfo call, int number, Time now) {
  if (call->args[number].isnull) return never;
  const Time until = DatumGetTimestampTz(call->args[number].value);
  if (until <= now)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("expires_at must be in the future"),
             errhint("Only the database's clock counts: pass now() + an interval.")));
  return until;
}

Elements array_argument(FunctionCallInfo call, int number, const char* name) {
  if (call->args[number].isnull) raise_null(name);
  return elements_of(DatumGetArrayTypeP(call->args[number].value));
}

Audience audience_of_text(std::string_view text) {
  const auto audience = audience_named(text);
  if (!audience)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid audience \"%.*s\"", shown(text), text.data()),
                    errhint("An audience is one of everyone, channel, contacts, nobody.")));
  return *audience;
}

Detail detail_of_text(std::string_view text) {
  const auto detail = detail_named(text);
  if (!detail)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid detail \"%.*s\"", shown(text), text.data()),
                    errhint("A detail is one of full, status, last_seen.")));
  if (*detail == Detail::nothing)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("a rule cannot have the detail \"nothing\""),
                    errhint("Set the audience \"nobody\", or use presence_block().")));
  return *detail;
}

bool bool_argument(FunctionCallInfo call, int number, const char* name) {
  if (call->args[number].isnull) raise_null(name);
  return DatumGetBool(call->args[number].value);
}

int int_argument(FunctionCallInfo call, int number, const char* name, int least) {
  if (call->args[number].isnull) raise_null(name);
  const int value = DatumGetInt32(call->args[number].value);
  if (value < least)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must be at least %d", name, least)));
  return value;
}

void check_same_length(int a, int b, const char* name) {
  if (a != b)
    ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                    errmsg("user_ids has %d elements and %s has %d", a, name, b),
                    errhint("Pass one value per user.")));
}

}  // namespace presence
