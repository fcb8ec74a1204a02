// channel_name.h: what a channel is called in LISTEN and NOTIFY.
#pragma once

#include "types.h"

namespace presence {

inline constexpr std::size_t max_channel_id_bytes = 128;
inline constexpr std::size_t max_name_bytes = 63;  // NAMEDATALEN - 1

// The prefix and the channel itself, or, when that is over 63 bytes, the prefix, the channel's
// beginning, a dot and 32 hexadecimal digits of its hash. Returns the length; `to` has room for
// max_name_bytes. The prefix has at most 30 bytes.
std::size_t write_channel_name(std::string_view prefix, std::string_view channel, char* to);

}  // namespace presence
