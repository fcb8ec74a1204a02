// types.h: the words of presence: time, status, reason, limits.
//
// Time comes from outside, always: the core has no clock. It is counted in
// microseconds since 2000-01-01 UTC, which is what PostgreSQL's timestamptz
// holds, so that nothing is ever converted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace presence {

using Time = int64_t;
using Duration = int64_t;

inline constexpr Duration millisecond = 1000;
inline constexpr Duration second = 1000 * millisecond;
inline constexpr Duration minute = 60 * second;

inline constexpr Time never = std::numeric_limits<Time>::max();
inline constexpr Time forever_ago = std::numeric_limits<Time>::min();

// Ordered by strength: of several live sessions the strongest status wins.
enum class Status : uint8_t { offline, away, online, busy };

std::string_view name_of(Status status);
std::optional<Status> status_named(std::string_view name);

// Why a status changed. `custom` is a text of the caller, kept beside the user.
enum class Reason : uint8_t {
  manual,
  activity,
  idle_timeout,
  timeout,
  disconnect,
  logout,
  expired,
  message,
  forgotten,
  connect,
  join,
  leave,
  stopped,  // typing
  custom
};

std::string_view name_of(Reason reason);
std::optional<Reason> reason_named(std::string_view name);

// Limits that the SQL surface promises; bytes unless said otherwise.
inline constexpr std::size_t max_id_bytes = 128;
inline constexpr std::size_t max_message_characters = 500;
inline constexpr std::size_t max_message_bytes = 4 * max_message_characters;
inline constexpr std::size_t max_page_bytes = 2048;
inline constexpr std::size_t max_reason_bytes = 64;
inline constexpr uint32_t max_sessions = 1000;       // of a user: each change looks at all of them
inline constexpr std::size_t max_data_bytes = 4096;  // of user_data, as jsonb
inline constexpr std::size_t max_data_text_bytes = 8000;
inline constexpr std::size_t max_device_bytes = 128;
inline constexpr std::size_t max_address_bytes = 64;
inline constexpr std::size_t max_agent_bytes = 1024;
inline constexpr std::size_t max_details_bytes =
    max_device_bytes + max_address_bytes + max_agent_bytes + 8;
inline constexpr std::size_t max_activity_bytes = 64;  // of a type of activity
inline constexpr std::size_t max_placed_bytes =
    1024;  // of a cursor, a selection, a state, as jsonb
inline constexpr std::size_t max_user_name_bytes = 256;  // of who types
inline constexpr uint32_t max_channels = 1000;  // of a user: each change looks at all of them
inline constexpr Duration shortest_lease = 10 * second;
inline constexpr Duration longest_lease = 240 * minute;
inline constexpr Duration default_gateway_lease = 15 * second;  // until it says another

// A cell of the pool by its number; 0 is none. See cells.h.
using Cell = uint32_t;
inline constexpr Cell no_cell = 0;

}  // namespace presence
