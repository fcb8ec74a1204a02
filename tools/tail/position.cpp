// position.cpp: the rule of docs/delivery.md.
#include "position.h"

#include <charconv>

namespace tail {

std::optional<Position> parse_position(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  Position position{.epoch = std::string(text.substr(0, colon))};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, position.seq);
  if (error != std::errc() || stop != end || position.seq < 0) return std::nullopt;
  return position;
}

std::string text_of(const Position& position) {
  return position.epoch + ":" + std::to_string(position.seq);
}

bool is_after(const Position& position, const Position& known) {
  return position.epoch == known.epoch && position.seq > known.seq;
}

Meaning meaning_of(const Position& known, const Position& event, int64_t prev) {
  if (event.epoch != known.epoch) return Meaning::gap;
  if (!is_after(event, known)) return Meaning::known;
  return prev > known.seq ? Meaning::gap : Meaning::next;
}

}  // namespace tail
