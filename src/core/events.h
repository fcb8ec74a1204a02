// events.h: the ring of events.
//
// One ring for all databases, in a buffer of `presence.event_buffer` bytes. Positions
// only grow; an event is there as long as its position is not below `oldest`. The events lock
// guards the ring and the Stream of every realm. Only the worker of a database appends to its
// stream.
#pragma once

#include <array>
#include <span>

#include "types.h"

namespace presence {

// How far somebody has read a stream: everything before this position, and up to this seq.
struct Bookmark {
  uint64_t position;
  uint64_t seq;
};

// One database's sequence of events.
struct Stream {
  uint64_t epoch;
  uint64_t seq;     // of the newest event
  uint64_t first;   // the position from which on its events are in the ring
  uint64_t newest;  // its position, 0: none
  Bookmark sent;    // what has been broadcast
  Bookmark logged;  // what has been written to the WAL
  uint64_t resync;  // whoever knows less than this seq takes a new snapshot
};

// Where some events of a stream are, so that a reader need not begin at the first one.
class EventMarks {
 public:
  void note(uint64_t seq, uint64_t position) {
    if (seq % distance == 0) marks_[seq / distance % count] = {position, seq};
  }
  // The last one that is known not to come after `seq`, at most `distance` before it; else the
  // first one in the ring.
  Bookmark before(uint64_t seq, uint64_t oldest) const {
    const Bookmark& mark = marks_[seq / distance % count];
    const bool is_it = mark.seq == seq / distance * distance && mark.position >= oldest;
    return is_it && mark.position != 0 ? mark : Bookmark{0, 0};
  }

 private:
  static constexpr uint64_t distance = 128;
  static constexpr uint64_t count = 64;
  std::array<Bookmark, count> marks_{};
};

// For whom an event is.
enum class Hearers : uint8_t {
  everybody,          // who listens on its channel
  everybody_in_part,  // the same, but some may know more of its user
  trusted,            // those who may know everything
  trusted_as_well     // the same, and everybody was told as much by an event of its own
};
constexpr bool is_public(Hearers hearers) { return hearers <= Hearers::everybody_in_part; }

struct Event {
  uint64_t position;
  uint64_t next;  // where to go on
  uint64_t seq;
  Hearers hearers;
  std::string_view channel;
  std::string_view payload;
};

class EventRing {
 public:
  void create(void* memory, std::size_t bytes);
  void attach(void* memory);

  // The event must have been made with the stream's next seq.
  void append(Stream& stream, uint32_t owner, Hearers hearers, std::string_view channel,
              std::string_view payload);

  // The first event of `owner` at or after `from`; what is returned points into the ring.
  std::optional<Event> next(uint32_t owner, uint64_t from) const;
  uint64_t oldest() const;
  uint64_t end() const;

 private:
  struct Header;
  struct Entry;

  Entry& entry_at(uint64_t position) const;
  void drop_oldest();

  Header* header_ = nullptr;
  char* bytes_ = nullptr;
};

inline constexpr std::size_t max_payload_bytes = 7999;  // of a NOTIFY
inline constexpr std::size_t max_channel_bytes = 63;    // of a NOTIFY

}  // namespace presence
