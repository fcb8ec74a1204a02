// event.h: what the server says: events and snapshots, as text for --json and as JSON to look into.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "position.h"

namespace tail {

using Json = nlohmann::ordered_json;

// A number that no double can hold is a very large one here; the text that it came from has all its
// digits.
Json parse_json(const std::string& text);

// A member that is a string, or nothing when it is missing or something else.
std::string text_in(const Json& object, const char* name);

struct Event {
  explicit Event(std::string json);

  bool is_resync() const { return kind == "presence_resync"; }
  bool is_truncated() const { return fields.value("truncated", false); }

  std::string text;
  Json fields;
  Position position;
  int64_t prev = 0;
  std::string kind;
};

struct Snapshot {
  Position position;
  std::string text;
};

}  // namespace tail
