// channel_ids.cpp: copied out of shared memory, with this transaction's own changes laid over it.
#include "postgres/transaction/channel_ids.h"

#include <algorithm>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/transaction/transaction.h"

namespace presence {

ChannelIds stored_channels(const RealmRef& realm, const UserKey& user) {
  char* text = nullptr;
  size_t room = 0;
  size_t bytes = 0;
  // They may become more between two looks.
  do {
    room = bytes;
    text = static_cast<char*>(palloc(room + 1));
    bytes = channels_of_user(realm, user, current_policy(), current_time(), {text, room});
  } while (bytes > room);
  ChannelIds channels{};
  // Two transactions at a time may have joined more than either of them was allowed to.
  const auto count = static_cast<size_t>(std::count(text, text + bytes, '\0'));
  channels.ids = static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (count + 1)));
  for (size_t at = 0; at < bytes; at += channels.ids[channels.count++].size() + 1)
    channels.ids[channels.count] = text + at;
  return channels;
}

namespace {

bool has(const ChannelIds& channels, std::string_view id) {
  return std::find(channels.ids, channels.ids + channels.count, id) !=
         channels.ids + channels.count;
}

}  // namespace

ChannelIds own_channels(const RealmRef& realm, const UserKey& key) {
  const ChannelIds stored = stored_channels(realm, key);
  const std::span<const Wish> wishes = wishes_for(key);
  if (wishes.empty()) return stored;
  ChannelIds own{};
  own.ids = static_cast<std::string_view*>(
      palloc(sizeof(std::string_view) * (stored.count + wishes.size() + 1)));
  const auto add = [&](std::string_view id) {
    if (!has(own, id) && seated(realm, key, realm.channel_key(id), nullptr, wishes))
      own.ids[own.count++] = id;
  };
  for (size_t i = 0; i < stored.count; i++) add(stored.ids[i]);
  for (const Wish& wish : wishes)
    if (wish.change.kind == ChangeKind::join) add(wish.channel.id);
  return own;
}

}  // namespace presence
