// position.h: a place in the sequence of events, and what the next event means to whoever knows all
// up to there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tail {

struct Position {
  std::string epoch;  // which run of the server
  int64_t seq = 0;
};

// "epoch:seq", as --since takes it.
std::optional<Position> parse_position(std::string_view text);
std::string text_of(const Position& position);

// Whether something has happened since; in another run of the server nothing can be compared.
bool is_after(const Position& position, const Position& known);

enum class Meaning {
  next,   // the one that follows on this channel
  known,  // told already, by a snapshot or by what was missed
  gap,    // others of this channel came before it, or it is of another run of the server
};

Meaning meaning_of(const Position& known, const Position& event, int64_t prev);

}  // namespace tail
