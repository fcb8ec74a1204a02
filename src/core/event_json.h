// event_json.h: an event as one flat JSON object, as listeners get it.
#pragma once

#include "visibility.h"

namespace presence {

inline constexpr std::string_view global_channel = "global_presence";

enum class EventKind : uint8_t {
  user_status_changed,
  user_joined,
  user_left,
  user_updated,
  cursor_moved,
  state_changed,
  typing_start,
  typing_stop,
  channel_occupancy,
  visibility_changed,
  presence_resync
};

struct EventFacts {
  EventKind kind;
  uint64_t epoch;
  uint64_t seq;
  uint64_t prev;  // seq of the event before it on this channel
  std::string_view channel = global_channel;
  std::string_view user_id;
  Status status = Status::offline;
  Status previous_status = Status::offline;
  std::string_view message;  // empty is null
  std::string_view reason;
  std::string_view user;  // what the application keeps with the user, and the id: a JSON object
  std::string_view brief_user;  // the same with id, name and avatar alone, if `user` is long
  std::string_view cursor, selection, state;  // JSON; empty is null
  std::string_view user_name;                 // of who types; empty is null
  bool hides_place = false;  // of an update: cursor, selection and state are not shown any more
  uint32_t members = 0;      // of the channel
  bool large = false;        // joins and leaves are told as counts
  // Of those who may know everything: for whom it is, and how much of it everybody may know.
  std::optional<Audience> audience;
  Detail detail = Detail::full;
  Time at = 0;
};

// Returns the length; at most max_payload_bytes, for which `to` has room.
std::size_t write_event(const EventFacts& event, char* to);

// "user_id":"42" as events have it, for which `to` has room for max_user_key_bytes.
inline constexpr std::size_t max_user_key_bytes = 16 + 6 * 128;
std::size_t write_user_key(std::string_view user_id, char* to);

// "6f1c00d2a94be013": the epoch as events and presence_info show it.
inline constexpr std::size_t epoch_bytes = 16;
void write_epoch(uint64_t epoch, char* to);

// "2026-11-24T03:45:00.123Z"
inline constexpr std::size_t timestamp_bytes = 24;
void write_timestamp(Time at, char* to);

}  // namespace presence
