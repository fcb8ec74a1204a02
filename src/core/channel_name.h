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

// 32 hexadecimal digits of a text, the same on every server.
inline constexpr std::size_t digest_digits = 32;
void write_digest(std::string_view text, char* to);

}  // namespace presence
