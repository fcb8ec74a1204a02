// chains.h: which event was the last one on each channel, so that a listener knows when it has
// missed one. The worker's own memory; a new worker finds them in the ring.
#pragma once

#include "postgres/shared/work.h"

namespace presence {

// The seq of the event before `seq` on the channel, which becomes the last one. When that event has
// left the ring, the seq of the newest event that has: whoever knows less may have missed one.
uint64_t take_prev(const RealmRef& realm, const Stream& stream, std::string_view channel,
                   uint64_t seq);

// Forgets the channels whose last event has been sent and has left the ring.
void prune_chains(const RealmRef& realm);

// The channels of which is known that somebody was told something on them, in the current context.
struct ToldChannels {
  std::string_view* ids;
  int count;
};
ToldChannels told_channels(const RealmRef& realm);

}  // namespace presence
