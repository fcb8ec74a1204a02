// chains.cpp: a table of channels.
#include "postgres/worker/chains.h"

#include <cstring>

#include "postgres/settings.h"

extern "C" {
#include "utils/hsearch.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

struct ChannelName {
  uint32_t bytes;
  char text[max_id_bytes];
};

struct Chain {
  ChannelName channel;
  uint64_t last;
};

constexpr long sensible_size = 1024;

HTAB* chains;
uint64_t epoch_of_chains;
long prune_at = sensible_size;
// Of a channel that is not in the table the last event is not newer than this.
uint64_t forgotten_until;

ChannelName name_of_channel(std::string_view channel) {
  ChannelName name{};
  name.bytes = static_cast<uint32_t>(channel.size());
  std::memcpy(name.text, channel.data(), channel.size());
  return name;
}

Chain& chain_of(std::string_view channel, bool& found) {
  const ChannelName name = name_of_channel(channel);
  return *static_cast<Chain*>(hash_search(chains, &name, HASH_ENTER, &found));
}

void read_ring(const RealmRef& realm) {
  SeenEvent event;
  for (uint64_t from = 0; see_event(realm, from, event);) {
    const std::string_view listeners =
        is_public(event.hearers) ? event.channel() : private_channel();
    bool found;
    if (!listeners.empty()) chain_of(listeners, found).last = event.seq;
  }
}

// A reset begins a new epoch, in which nothing has been told yet.
void begin(const RealmRef& realm, uint64_t epoch) {
  if (chains && epoch_of_chains == epoch) return;
  if (chains) hash_destroy(chains);
  HASHCTL control{};
  control.keysize = sizeof(ChannelName);
  control.entrysize = sizeof(Chain);
  control.hcxt = TopMemoryContext;
  chains = hash_create("presence: the last events of channels", 256, &control,
                       HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  epoch_of_chains = epoch;
  forgotten_until = horizon_of(realm);
  read_ring(realm);
}

}  // namespace

uint64_t take_prev(const RealmRef& realm, const Stream& stream, std::string_view channel,
                   uint64_t seq) {
  begin(realm, stream.epoch);
  bool found;
  Chain& chain = chain_of(channel, found);
  const uint64_t prev = found ? chain.last : forgotten_until;
  chain.last = seq;
  return prev;
}

void prune_chains(const RealmRef& realm) {
  if (!chains || hash_get_num_entries(chains) < prune_at) return;
  const uint64_t known = Min(horizon_of(realm), stream_of(realm).sent.seq);
  HASH_SEQ_STATUS all;
  hash_seq_init(&all, chains);
  while (auto* chain = static_cast<Chain*>(hash_seq_search(&all))) {
    const std::string_view channel{chain->channel.text, chain->channel.bytes};
    if (chain->last <= known && !shared.region.channels.has(realm.channel_key(channel)))
      hash_search(chains, &chain->channel, HASH_REMOVE, nullptr);
  }
  forgotten_until = Max(forgotten_until, known);
  prune_at = Max(sensible_size, 2 * hash_get_num_entries(chains));
}

namespace {

// Those that are still to be told of a resync, the last one first.
struct Resync {
  MemoryContext context;
  ChannelName* channels;
  long count;
};
Resync resync;

void add_to_resync(std::string_view channel, long room) {
  if (resync.count < room) resync.channels[resync.count++] = name_of_channel(channel);
}

// Into the table, if it is not there.
void know_channel(std::string_view channel) {
  bool found;
  Chain& chain = chain_of(channel, found);
  if (!found) chain.last = forgotten_until;
}

// Channels in which somebody is, though nothing was told there since this worker began, and those
// of all channels together, which have no members.
void know_quiet_channels(const RealmRef& realm) {
  static ChannelId ids[256];
  const ChannelIndex& index = shared.region.channels;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    for (uint32_t bucket = 0; bucket < index.buckets();) {
      const std::size_t count = index.collect_ids(realm.number, partition, bucket, ids);
      for (std::size_t i = 0; i < count; i++) know_channel(ids[i].id());
    }
  for (const std::string_view channel : {firehose_channel(), private_channel()})
    if (!channel.empty()) know_channel(channel);
}

}  // namespace

// Everybody's channel comes first.
void begin_resync(const RealmRef& realm) {
  note_resync(realm);
  if (!chains) begin(realm, stream_of(realm).epoch);
  know_quiet_channels(realm);
  if (!resync.context)
    resync.context =
        AllocSetContextCreate(TopMemoryContext, "presence: a resync", ALLOCSET_DEFAULT_SIZES);
  // An earlier one may have been about channels that a reset has made forget.
  for (long i = 0; i < resync.count; i++)
    know_channel({resync.channels[i].text, resync.channels[i].bytes});
  MemoryContextReset(resync.context);
  const long room = hash_get_num_entries(chains) + 1;
  resync.channels = static_cast<ChannelName*>(
      MemoryContextAllocHuge(resync.context, sizeof(ChannelName) * static_cast<Size>(room)));
  resync.count = 0;
  HASH_SEQ_STATUS all;
  hash_seq_init(&all, chains);
  while (auto* chain = static_cast<Chain*>(hash_seq_search(&all))) {
    const std::string_view channel{chain->channel.text, chain->channel.bytes};
    if (channel != global_channel) add_to_resync(channel, room);
  }
  add_to_resync(global_channel, room);
}

std::string_view next_to_resync() {
  if (resync.count == 0) return {};
  const ChannelName& next = resync.channels[--resync.count];
  return {next.text, next.bytes};
}

bool has_to_resync() { return resync.count > 0; }

}  // namespace presence
