// channel_ids.h: the channels that a user is in, by name.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// The channels that a user is in as everybody sees it, in memory of the call.
struct ChannelIds {
  std::string_view* ids;
  size_t count;
};
ChannelIds stored_channels(const RealmRef& realm, const UserKey& user);
// The same as this transaction sees it: those that its wishes speak of may have come or gone.
ChannelIds own_channels(const RealmRef& realm, const UserKey& user);

}  // namespace presence
