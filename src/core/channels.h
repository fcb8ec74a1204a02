// channels.h: finds channels by their ids, and knows who is in them.
//
// An index like that of the sessions, with locks of its own, one a partition of the channels'
// hashes. They come after the lock of a user's partition; never is one of the session index held
// with them. A channel is there while anybody holds it: each record of a user (Member) does.
#pragma once

#include <span>

#include "index.h"

namespace presence {

struct Realm;

using ChannelKey = Key;

// Somebody who is in a channel, or types there.
struct MemberCandidate {
  Time last_active;
  uint32_t id_bytes;
  char id_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
};

struct ChannelId {
  uint32_t id_bytes;
  char id_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
};

// What listeners of a large channel are to be told.
struct ChannelNews {
  uint32_t members;
  bool large;
  bool resync;  // joins and leaves are told one by one again, and some were not
  uint32_t id_bytes;
  char id_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
};

class ChannelIndex {
 public:
  void attach(CellPool* pool, Realm* realms, Cell* buckets, uint32_t buckets_per_partition,
              IndexLocks locks);

  // A blank channel that hold() may need; no_cell: memory is full.
  Cell make(const ChannelKey& key);
  void free_made(Cell channel);
  // Finds the channel, or puts `spare` into its place, which is no_cell then.
  Cell hold(const ChannelKey& key, Cell& spare);
  void release(Cell channel);

  // ---- who is there
  // It is a member, from now on or already, and goes before all others if it is active after them.
  void arrive(Cell channel, Cell member, Time at);
  void depart(Cell channel, Cell member);
  Time last_active(Cell channel, Cell member) const;
  void begin_typing(Cell channel, Cell typing);
  void end_typing(Cell channel, Cell typing);

  bool has(const ChannelKey& key) const;
  // Copies the ids of a realm's channels from a bucket of the partition on, and moves `bucket`
  // behind the last one that was looked at. Returns how many were copied; `bucket` is buckets()
  // when that was all.
  std::size_t collect_ids(uint16_t realm, uint32_t partition, uint32_t& bucket,
                          std::span<ChannelId> room) const;
  uint32_t buckets() const { return index_.buckets(); }
  // Whether it is large. What has become so since take_news looked is so from here on.
  bool look_whether_large(Cell channel, uint32_t large_from);
  bool is_large(const ChannelKey& key) const;
  uint32_t members(const ChannelKey& key) const;
  // Copies those behind `after` (no_cell: from the first on), latest activity first, until the room
  // is full or they were active before `not_before`. `after` must be in the channel, or nothing is
  // found: the caller holds the lock of its user's partition. Returns how many were copied.
  std::size_t collect(const ChannelKey& key, Cell after, Time not_before,
                      std::span<MemberCandidate> room) const;
  // The same of those who type, whoever has begun last first.
  std::size_t collect_typing(const ChannelKey& key, std::span<MemberCandidate> room) const;

  // ---- what the worker tells of whole channels
  // Takes the next channel of which listeners must hear. False: there is none, or only further ones
  // than are looked at with the lock held: see has_news.
  bool take_news(uint16_t realm, uint32_t partition, uint32_t large_from, Time now,
                 ChannelNews& out);
  // Whoever was told of lately may be told of again.
  void settle(uint16_t realm, uint32_t partition, Time now);
  Time next_due(uint16_t realm, uint32_t partition) const;
  bool has_news(uint16_t realm, uint32_t partition) const;
  // Of a realm whose users are gone, or blank.
  void forget_news(uint16_t realm, uint32_t partition);

 private:
  Channel& channel(Cell cell) const { return pool_->at<Channel>(cell); }
  Member& member(Cell cell) const { return pool_->at<Member>(cell); }
  RealmChannels& share_of(uint16_t realm, uint32_t partition) const;
  MemberCandidate candidate_of(const Member& member) const;
  void link_first(Channel& channel, Cell member);
  void unlink(Channel& channel, Cell member);
  void note_change(Cell cell);
  void free_if_idle(Cell cell);
  bool forget_some_news(uint16_t realm, uint32_t partition);

  CellPool* pool_ = nullptr;
  Realm* realms_ = nullptr;
  Index<Channel> index_;
  IndexLocks locks_{};
};

// At most once in so long a channel's occupancy is told.
inline constexpr Duration occupancy_interval = second;

}  // namespace presence
