// events.h: the ring of events.
//
// One ring for all databases, in a buffer of `presence.event_buffer` bytes. Positions
// only grow; an event is there as long as its position is not below `oldest`. The events lock
// guards the ring and the Stream of every realm. Only the worker of a database appends to its
// stream.
#pragma once

#include <span>

#include "types.h"

namespace presence {

// One database's sequence of events.
struct Stream {
  uint64_t epoch;
  uint64_t seq;       // of the newest event
  uint64_t first;     // the position from which on its events are in the ring
  uint64_t newest;    // its position, 0: none
  uint64_t sent;      // everything before this position has been broadcast
  uint64_t sent_seq;  // and everything up to this seq
};

struct Event {
  uint64_t position;
  uint64_t next;  // where to go on
  uint64_t seq;
  std::string_view channel;
  std::string_view payload;
};

class EventRing {
 public:
  void create(void* memory, std::size_t bytes);
  void attach(void* memory);

  // The event must have been made with the stream's next seq.
  void append(Stream& stream, uint32_t owner, std::string_view channel, std::string_view payload);

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
