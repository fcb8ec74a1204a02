// json_text.h: JSON written piece by piece into a text that grows, in the memory of the call.
#pragma once

#include "core/types.h"
#include "postgres/boundary.h"

extern "C" {
#include "lib/stringinfo.h"
}

namespace presence {

class JsonText {
 public:
  JsonText() { initStringInfo(&text_); }

  // Without a name: as an element of an array.
  void begin_object(const char* name = nullptr) { open(name, '{'); }
  void end_object() { close('}'); }
  void begin_array(const char* name) { open(name, '['); }
  void end_array() { close(']'); }

  void text(const char* name, std::string_view value);
  void text_or_null(const char* name, std::string_view value);  // empty is null
  void number(const char* name, int64 value);
  void boolean(const char* name, bool value);
  void moment(const char* name, Time value);
  void null(const char* name) { raw(name, "null"); }
  // JSON as it is.
  void raw(const char* name, std::string_view json);
  void element(std::string_view json) { raw(nullptr, json); }
  // A column of type text, integer, boolean, timestamptz or jsonb.
  void column(const char* name, Oid type, Datum value, bool is_null);

  std::string_view view() const { return {text_.data, static_cast<size_t>(text_.len)}; }
  Datum to_jsonb() const;

 private:
  void key(const char* name);
  void quoted(std::string_view value);
  void open(const char* name, char bracket);
  void close(char bracket);

  StringInfoData text_;
  bool has_before_ = false;
};

}  // namespace presence
