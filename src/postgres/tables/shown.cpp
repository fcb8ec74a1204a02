// shown.cpp: {"at", "detail", "last_seen", "activity_count", "message", "message_until", "choices",
// "user_data"}.
// Moments are microseconds since 2000; null is never, or none.
#include "postgres/tables/shown.h"

#include <charconv>
#include <cstring>

#include "core/choices_text.h"
#include "postgres/tables/jsonb.h"
#include "postgres/tables/rows.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
}

namespace presence {

// ---- writing ---------------------------------------------------------------

namespace {

class ShownObject {
 public:
  ShownObject() { pushJsonbValue(&state_, WJB_BEGIN_OBJECT, nullptr); }

  void text(const char* key, std::string_view text) {
    JsonbValue value{};
    value.type = jbvString;
    value.val.string.val = const_cast<char*>(text.data());
    value.val.string.len = static_cast<int>(text.size());
    add(key, value);
  }
  void number(const char* key, int64_t number) {
    JsonbValue value{};
    value.type = jbvNumeric;
    value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(number)));
    add(key, value);
  }
  void null(const char* key) {
    JsonbValue value{};
    value.type = jbvNull;
    add(key, value);
  }
  void jsonb(const char* key, std::string_view bytes) {
    Jsonb* json = DatumGetJsonbP(jsonb_of_bytes(bytes));
    JsonbValue value{};
    value.type = jbvBinary;
    value.val.binary.data = &json->root;
    value.val.binary.len = static_cast<int>(bytes.size());
    add(key, value);
  }
  std::string_view bytes() {
    JsonbValue* object = pushJsonbValue(&state_, WJB_END_OBJECT, nullptr);
    return bytes_of_jsonb(JsonbPGetDatum(JsonbValueToJsonb(object)));
  }

 private:
  void add(const char* key, JsonbValue& value) {
    JsonbValue name{};
    name.type = jbvString;
    name.val.string.val = const_cast<char*>(key);
    name.val.string.len = static_cast<int>(strlen(key));
    pushJsonbValue(&state_, WJB_KEY, &name);
    pushJsonbValue(&state_, WJB_VALUE, &value);
  }

  JsonbParseState* state_ = nullptr;
};

}  // namespace

std::string_view write_nothing_shown() { return ShownObject().bytes(); }

std::string_view write_shown(const ShownFacts& facts) {
  ShownObject object;
  const auto time = [&](const char* key, bool given, Time time) {
    given ? object.number(key, time) : object.null(key);
  };
  time("at", facts.at != forever_ago, facts.at);
  object.text("detail", name_of(facts.detail));
  time("last_seen", facts.last_seen != forever_ago, facts.last_seen);
  object.number("activity_count", facts.activity_count);
  facts.message.empty() ? object.null("message") : object.text("message", facts.message);
  time("message_until", facts.message_until != never, facts.message_until);
  if (!facts.choices.empty()) object.text("choices", facts.choices);
  facts.data.empty() ? object.null("user_data") : object.jsonb("user_data", facts.data);
  return object.bytes();
}

// ---- reading ---------------------------------------------------------------

namespace {

// Nothing when there is none at the key, or one of another type.
const JsonbValue* value_at(Jsonb* object, const char* key, jbvType type) {
  JsonbValue name{};
  name.type = jbvString;
  name.val.string.val = const_cast<char*>(key);
  name.val.string.len = static_cast<int>(strlen(key));
  const JsonbValue* value = findJsonbValueFromContainer(&object->root, JB_FOBJECT, &name);
  return value && value->type == type ? value : nullptr;
}

std::string_view text_at(Jsonb* object, const char* key) {
  const JsonbValue* value = value_at(object, key, jbvString);
  if (!value) return {};
  return {value->val.string.val, static_cast<size_t>(value->val.string.len)};
}

std::optional<int64_t> number_at(Jsonb* object, const char* key) {
  const JsonbValue* value = value_at(object, key, jbvNumeric);
  if (!value) return std::nullopt;
  const char* digits =
      DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
  const char* end = digits + strlen(digits);
  int64_t number;
  const auto read = std::from_chars(digits, end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

// `otherwise` for what is no moment.
Time time_at(Jsonb* object, const char* key, Time otherwise) {
  const auto time = number_at(object, key);
  return time && IS_VALID_TIMESTAMP(*time) ? *time : otherwise;
}

std::string_view data_at(Jsonb* object, const char* key) {
  JsonbValue* value = const_cast<JsonbValue*>(value_at(object, key, jbvBinary));
  if (!value) return {};
  Jsonb* json = JsonbValueToJsonb(value);
  const std::string_view bytes = bytes_of_jsonb(JsonbPGetDatum(json));
  const bool fits = bytes.size() <= max_data_bytes && !has_long_number(JsonbPGetDatum(json));
  return JB_ROOT_IS_OBJECT(json) && fits ? bytes : std::string_view{};
}

}  // namespace

ShownFacts read_shown(std::string_view bytes) {
  ShownFacts facts;
  facts.detail = Detail::nothing;
  Jsonb* object = DatumGetJsonbP(jsonb_of_bytes(bytes));
  if (!JB_ROOT_IS_OBJECT(object)) return facts;
  facts.detail = detail_named(text_at(object, "detail")).value_or(Detail::nothing);
  if (facts.detail == Detail::nothing) return facts;
  facts.at = time_at(object, "at", forever_ago);
  facts.last_seen = time_at(object, "last_seen", forever_ago);
  const int64_t count = number_at(object, "activity_count").value_or(0);
  if (count > 0 && count <= INT32_MAX) facts.activity_count = static_cast<uint32_t>(count);
  facts.message = clipped(text_at(object, "message"), max_message_bytes);
  facts.message_until = time_at(object, "message_until", never);
  const std::string_view choices = text_at(object, "choices");
  if (choices.size() <= max_choices_bytes && read_choices(choices)) facts.choices = choices;
  facts.data = data_at(object, "user_data");
  return facts;
}

}  // namespace presence
