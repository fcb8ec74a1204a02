// region.h: what lies where in shared memory.
//
// header | realms | buckets of users, of sessions, of channels and of viewers | cells. Sized once
// at the start; a process attaches by address and keeps nothing but pointers.
#pragma once

#include "channels.h"
#include "index.h"
#include "user.h"
#include "viewers.h"

namespace presence {

// One database's extension. Its users are in the partitions, each guarded by the
// partition's lock; `identity` is set under the realms lock and read anywhere.
struct Realm {
  // database oid << 32 | extension oid; 0 is a free slot.
  std::atomic<uint64_t> identity;
  Cell gateways;  // see SessionIndex
  std::array<RealmPartition, partition_count> partitions;
  std::array<RealmChannels, partition_count> channels;  // by the channels' own hashes
};

struct RegionPlan {
  uint32_t realms;
  uint32_t buckets_per_partition;
  uint32_t channel_buckets;  // a partition, and as many of viewers
  uint32_t cells;
  std::size_t bytes;
};

// Of memory, for each realm that may be: 16 at least, max_realms at most.
inline constexpr std::size_t bytes_per_realm = 512 * 1024;

// How `bytes` of memory are best divided; never more than `bytes`.
RegionPlan plan_region(std::size_t bytes);

class Region {
 public:
  // A process's own way to take the locks.
  struct Locks {
    IndexLocks sessions, channels, viewers;
  };
  void create(void* memory, const RegionPlan& plan, HashSeed seed, const Locks& locks);
  void attach(void* memory, const Locks& locks);

  uint32_t realm_count() const;
  Realm& realm(uint16_t number) const { return realms_[number]; }
  RealmPartition& share(uint16_t realm, uint32_t partition) const {
    return realms_[realm].partitions[partition];
  }
  UserKey key(uint16_t realm, std::string_view id) const;
  SessionKey session_key(uint16_t realm, std::string_view id) const;
  ChannelKey channel_key(uint16_t realm, std::string_view id) const;
  Key viewer_key(uint16_t realm, std::string_view id) const;
  uint64_t hash_of(const User& user) const;
  uint64_t hash_of(const Session& session) const;

  CellPool pool;
  Index<User> index;
  SessionIndex sessions;
  ChannelIndex channels;
  ViewerIndex viewers;

 private:
  struct Header;

  Header* header_ = nullptr;
  Realm* realms_ = nullptr;
};

}  // namespace presence
