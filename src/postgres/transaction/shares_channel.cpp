// shares_channel.cpp: whether two users are in a channel together, as shared memory has it.
#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/transaction/visibility.h"

namespace presence {

namespace {

// Each with a zero byte behind it, in the current context.
std::string_view channels_of(const RealmRef& realm, std::string_view user_id) {
  char* text = nullptr;
  size_t room = 0;
  size_t bytes = 0;
  // They may become more between two looks.
  do {
    room = bytes;
    text = static_cast<char*>(palloc(room + 1));
    bytes =
        channels_of_user(realm, realm.key(user_id), current_policy(), current_time(), {text, room});
  } while (bytes > room);
  return {text, bytes};
}

std::string_view next_of(std::string_view& channels) {
  const std::string_view next = channels.substr(0, channels.find('\0'));
  channels.remove_prefix(next.size() + 1);
  return next;
}

bool has(std::string_view channels, std::string_view channel) {
  while (!channels.empty())
    if (next_of(channels) == channel) return true;
  return false;
}

}  // namespace

bool shares_channel(const RealmRef& realm, std::string_view user_id, std::string_view viewer) {
  std::string_view own = channels_of(realm, user_id);
  const std::string_view others = channels_of(realm, viewer);
  while (!own.empty())
    if (has(others, next_of(own))) return true;
  return false;
}

}  // namespace presence
