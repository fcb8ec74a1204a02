// json_text.cpp: names, commas and quotes.
#include "postgres/sql/json_text.h"

#include "core/event_json.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/jsonb.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace presence {

void JsonText::key(const char* name) {
  if (has_before_) appendStringInfoChar(&text_, ',');
  has_before_ = true;
  if (name) appendStringInfo(&text_, "\"%s\":", name);
}

void JsonText::quoted(std::string_view value) {
  char* copy = pnstrdup(value.data(), value.size());
  escape_json(&text_, copy);
  pfree(copy);
}

void JsonText::open(const char* name, char bracket) {
  key(name);
  appendStringInfoChar(&text_, bracket);
  has_before_ = false;
}

void JsonText::close(char bracket) {
  appendStringInfoChar(&text_, bracket);
  has_before_ = true;
}

void JsonText::text(const char* name, std::string_view value) {
  key(name);
  quoted(value);
}

void JsonText::text_or_null(const char* name, std::string_view value) {
  value.empty() ? null(name) : text(name, value);
}

void JsonText::number(const char* name, int64 value) {
  key(name);
  appendStringInfo(&text_, INT64_FORMAT, value);
}

void JsonText::boolean(const char* name, bool value) { raw(name, value ? "true" : "false"); }

void JsonText::moment(const char* name, Time value) {
  char moment[timestamp_bytes];
  write_timestamp(value, moment);
  text(name, {moment, timestamp_bytes});
}

void JsonText::raw(const char* name, std::string_view json) {
  key(name);
  appendBinaryStringInfo(&text_, json.data(), static_cast<int>(json.size()));
}

void JsonText::column(const char* name, Oid type, Datum value, bool is_null) {
  if (is_null) return null(name);
  switch (type) {
    case BOOLOID:
      return boolean(name, DatumGetBool(value));
    case INT4OID:
      return number(name, DatumGetInt32(value));
    case TIMESTAMPTZOID:
      return moment(name, DatumGetTimestampTz(value));
    case JSONBOID:
      return raw(name, text_of_jsonb(value));
    default:
      return text(name, text_of(value));
  }
}

Datum JsonText::to_jsonb() const {
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(text_.data));
}

}  // namespace presence
