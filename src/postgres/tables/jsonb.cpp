// jsonb.cpp: between shared memory and jsonb.
#include "postgres/tables/jsonb.h"

#include <cstring>

extern "C" {
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
}

namespace presence {

std::string_view bytes_of_jsonb(Datum value) {
  const auto* data = reinterpret_cast<varlena*>(PG_DETOAST_DATUM_PACKED(value));
  return {VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)};
}

Datum jsonb_of_bytes(std::string_view bytes) {
  auto* data = static_cast<varlena*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(data, VARHDRSZ + bytes.size());
  std::memcpy(VARDATA(data), bytes.data(), bytes.size());
  return PointerGetDatum(data);
}

std::string_view text_of_jsonb(Datum value) {
  Jsonb* json = DatumGetJsonbP(value);
  StringInfoData text;
  initStringInfo(&text);
  JsonbToCString(&text, &json->root, VARSIZE(json));
  return {text.data, static_cast<size_t>(text.len)};
}

namespace {

// A number in the short form has at most some hundred digits (numeric.c, NUMERIC_SHORT).
bool is_long_number(const char* numeric) {
  constexpr uint16_t form_bits = 0xC000;
  constexpr uint16_t short_form = 0x8000;
  uint16_t header;
  std::memcpy(&header, VARDATA_ANY(numeric), sizeof header);
  return (header & form_bits) != short_form;
}

bool any_long_number(const JsonbContainer* container) {
  const uint32 children = JsonContainerSize(container) * (JsonContainerIsObject(container) ? 2 : 1);
  const char* base = reinterpret_cast<const char*>(&container->children[children]);
  for (uint32 i = 0; i < children; i++) {
    const JEntry entry = container->children[i];
    const bool is_container = JBE_ISCONTAINER(entry);
    if (!is_container && !JBE_ISNUMERIC(entry)) continue;
    const char* child = base + INTALIGN(getJsonbOffset(container, static_cast<int>(i)));
    const bool is_long = is_container
                             ? any_long_number(reinterpret_cast<const JsonbContainer*>(child))
                             : is_long_number(child);
    if (is_long) return true;
  }
  return false;
}

}  // namespace

bool has_long_number(Datum value) { return any_long_number(&DatumGetJsonbP(value)->root); }

namespace {

JsonbValue key_of(const char* name) {
  JsonbValue key{};
  key.type = jbvString;
  key.val.string.val = const_cast<char*>(name);
  key.val.string.len = static_cast<int>(strlen(name));
  return key;
}

}  // namespace

std::string_view name_and_avatar(std::string_view object) {
  if (object.empty()) return {};
  Jsonb* json = DatumGetJsonbP(jsonb_of_bytes(object));
  if (!JB_ROOT_IS_OBJECT(json)) return {};
  JsonbParseState* state = nullptr;
  pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
  bool has_any = false;
  for (const char* name : {"name", "avatar"}) {
    JsonbValue key = key_of(name);
    JsonbValue* value = findJsonbValueFromContainer(&json->root, JB_FOBJECT, &key);
    // What is no text or number may be anything.
    if (!value || value->type == jbvBinary) continue;
    pushJsonbValue(&state, WJB_KEY, &key);
    pushJsonbValue(&state, WJB_VALUE, value);
    has_any = true;
  }
  JsonbValue* all = pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
  if (!has_any) return {};
  return bytes_of_jsonb(JsonbPGetDatum(JsonbValueToJsonb(all)));
}

std::string_view json_in(Datum object, const char* name) {
  Jsonb* json = DatumGetJsonbP(object);
  if (!JB_ROOT_IS_OBJECT(json)) return {};
  JsonbValue key = key_of(name);
  JsonbValue* found = findJsonbValueFromContainer(&json->root, JB_FOBJECT, &key);
  return found ? text_of_jsonb(JsonbPGetDatum(JsonbValueToJsonb(found))) : std::string_view{};
}

std::string_view text_in(Datum object, const char* name) {
  Jsonb* json = DatumGetJsonbP(object);
  if (!JB_ROOT_IS_OBJECT(json)) return {};
  JsonbValue key = key_of(name);
  const JsonbValue* found = findJsonbValueFromContainer(&json->root, JB_FOBJECT, &key);
  if (!found || found->type != jbvString) return {};
  return {found->val.string.val, static_cast<size_t>(found->val.string.len)};
}

std::string_view name_in(std::string_view object) {
  return object.empty() ? std::string_view{} : text_in(jsonb_of_bytes(object), "name");
}

std::string_view card_of(std::string_view user_id, std::string_view user_data) {
  if (user_data.empty()) return {};
  JsonbParseState* state = nullptr;
  JsonbValue name;
  JsonbValue value;
  pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
  const auto push_text = [&](JsonbIteratorToken token, std::string_view text, JsonbValue& to) {
    to.type = jbvString;
    to.val.string.val = const_cast<char*>(text.data());
    to.val.string.len = static_cast<int>(text.size());
    return pushJsonbValue(&state, token, &to);
  };
  push_text(WJB_KEY, "id", name);
  push_text(WJB_VALUE, user_id, value);
  const Datum id =
      JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
  const Datum blank =
      DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"name\": null, \"avatar\": null}"));
  const Datum kept = DirectFunctionCall2(jsonb_concat, blank, jsonb_of_bytes(user_data));
  const Datum all = DirectFunctionCall2(jsonb_concat, kept, id);
  return text_of_jsonb(all);
}

}  // namespace presence
