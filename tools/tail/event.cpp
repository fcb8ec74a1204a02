// event.cpp: nlohmann's JSON, and numbers that are too large for it.
#include "event.h"

#include <regex>
#include <utility>

namespace tail {

Json parse_json(const std::string& text) {
  try {
    return Json::parse(text);
  } catch (const Json::out_of_range&) {
    static const std::regex too_many_digits("[0-9]{309,}");
    return Json::parse(std::regex_replace(text, too_many_digits, "1e308"));
  }
}

std::string text_in(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

Event::Event(std::string json)
    : text(std::move(json)),
      fields(parse_json(text)),
      position{.epoch = fields.at("epoch").get<std::string>(),
               .seq = fields.at("seq").get<int64_t>()},
      prev(fields.at("prev").get<int64_t>()),
      kind(fields.at("event").get<std::string>()) {}

}  // namespace tail
