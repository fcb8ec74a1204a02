// choices_text.h: a user's choices as one line of text, for the row in the table.
//
// Newest first, each "<status> <until> <message_until> <bytes>:<message>", times in
// microseconds since 2000 or "-" for never. Example: "busy - - 9:in a call".
#pragma once

#include <array>

#include "status.h"

namespace presence {

struct LayerText {
  Status status = Status::offline;
  Time until = never;
  Time message_until = never;
  std::string_view message;
};

inline constexpr std::size_t max_layers = 1 + Choices::max_earlier;

struct ChoicesText {
  std::array<LayerText, max_layers> layers;  // the newest first
  std::size_t count = 0;
};

// The messages point into `line`. Nothing when the line was not written by write_choices.
std::optional<ChoicesText> read_choices(std::string_view line);

inline constexpr std::size_t max_choices_bytes = max_layers * (max_message_bytes + 64);

// Returns the length. `to` has room for max_choices_bytes.
std::size_t write_choices(const ChoicesText& choices, char* to);

// The message that is shown at `now`.
std::string_view message_at(const ChoicesText& text, Time now);
// None of a line that write_choices has not written.
std::string_view message_at(std::string_view line, Time now);

}  // namespace presence
