// chains.h: which event was the last one on each channel, so that a listener knows when it has
// missed one. The worker's own memory; a new worker finds them in the ring.
#pragma once

#include "postgres/shared/events.h"

namespace presence {

// The seq of the event before `seq` on the channel, which becomes the last one. When it is not
// known any more, because it has left the ring, a seq that is not older than it: whoever knows less
// may have missed one.
uint64_t take_prev(const RealmRef& realm, const Stream& stream, std::string_view channel,
                   uint64_t seq);

// Forgets the channels in which nobody is any more and whose last event has been sent and has left
// the ring.
void prune_chains(const RealmRef& realm);

// All channels in which somebody is, or that are known to have been told something, are to be told
// a resync. What was not told yet of an earlier one is part of it.
void begin_resync(const RealmRef& realm);
// The next of them; empty: that was all.
std::string_view next_to_resync();
bool has_to_resync();

}  // namespace presence
