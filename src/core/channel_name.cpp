// channel_name.cpp: prefix, name, hash.
#include "channel_name.h"

#include <algorithm>
#include <cstring>

#include "hash.h"

namespace presence {

namespace {

// Fixed keys: every server gives a channel the same name.
constexpr HashSeed name_seed = {0x70726573656e6365ULL, 0x6368616e6e656c73ULL};

void write_hex(uint64_t number, char* to) {
  static constexpr char hex[] = "0123456789abcdef";
  for (int i = 0; i < 16; i++) to[i] = hex[(number >> (60 - 4 * i)) & 15];
}

// No character of UTF-8 is cut in two.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  std::size_t bytes = std::min(text.size(), most);
  while (bytes > 0 && bytes < text.size() &&
         (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
    bytes--;
  return bytes;
}

}  // namespace

void write_digest(std::string_view text, char* to) {
  write_hex(hash_key(name_seed, 0, text), to);
  write_hex(hash_key(name_seed, 1, text), to + 16);
}

std::size_t write_channel_name(std::string_view prefix, std::string_view channel, char* to) {
  std::memcpy(to, prefix.data(), prefix.size());
  char* at = to + prefix.size();
  if (prefix.size() + channel.size() <= max_name_bytes) {
    std::memcpy(at, channel.data(), channel.size());
    return prefix.size() + channel.size();
  }
  const std::size_t room = max_name_bytes - prefix.size() - digest_digits - 1;
  const std::size_t beginning = whole_characters(channel, room);
  std::memcpy(at, channel.data(), beginning);
  at += beginning;
  *at++ = '.';
  write_digest(channel, at);
  return static_cast<std::size_t>(at + digest_digits - to);
}

}  // namespace presence
