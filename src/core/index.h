// index.h: finds users, sessions, channels and viewers by their ids.
//
// Buckets of chains through the records themselves. Each partition has a stretch of
// the buckets of its own, so that one lock of as many is enough.
#pragma once

#include <span>

#include "hash.h"
#include "prefetch.h"
#include "user.h"

namespace presence {

// Who is meant: the database's realm and the id, and their hash.
struct Key {
  uint16_t realm = 0;
  uint64_t hash = 0;
  std::string_view id;

  uint32_t partition() const { return static_cast<uint32_t>(hash) % partition_count; }
};
using UserKey = Key;
using SessionKey = Key;

// `Record` is User, Session, Channel or ViewerRecord.
template <typename Record>
class Index {
 public:
  void attach(Cell* buckets, uint32_t buckets_per_partition);

  // Whoever has hashed a key looks for it soon.
  void fetch_ahead(uint64_t hash) const { prefetch(&bucket(hash)); }
  // The first record of the key's bucket, whether or not it is the one.
  Cell first(uint64_t hash) const { return bucket(hash); }
  // For whoever looks at all of a partition: its buckets are numbered from 0.
  uint32_t buckets() const { return per_partition_; }
  Cell first_in(uint32_t partition, uint32_t number) const {
    return buckets_[std::size_t{partition} * per_partition_ + number];
  }
  Cell find(const CellPool& pool, const Key& key) const;
  void insert(CellPool& pool, uint64_t hash, Cell record);
  void remove(CellPool& pool, uint64_t hash, Cell record);

 private:
  Cell& bucket(uint64_t hash) const {
    const uint64_t partition = hash % partition_count;
    const uint64_t place = (hash / partition_count) % per_partition_;
    return buckets_[partition * per_partition_ + place];
  }

  Cell* buckets_ = nullptr;
  uint32_t per_partition_ = 0;
};

// The id of a record: its first part is in its cell, a long one goes on in a text.
template <typename Record>
bool set_id(CellPool& pool, Record& record, std::string_view id);  // false: no cell, or too long
template <typename Record>
void free_id(CellPool& pool, Record& record);
template <typename Record>
uint32_t get_id(const CellPool& pool, const Record& record, char* to);
template <typename Record>
bool id_equals(const CellPool& pool, const Record& record, std::string_view id);

// A user whose id was copied with a lock held that is not held any more.
struct Candidate {
  Time last_seen = forever_ago;
  uint32_t id_bytes;
  char id_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
};

// How to take the locks of an index of its own, one a partition of its keys' hashes. They come
// after the lock of a user's partition.
struct IndexLocks {
  void (*share)(uint32_t number);
  void (*own)(uint32_t number);
  void (*leave)(uint32_t number);
};

// Hold one of them, shared or alone.
class SharedIndexLock {
 public:
  SharedIndexLock(const IndexLocks& locks, uint32_t number) : locks_(locks), number_(number) {
    locks_.share(number_);
  }
  ~SharedIndexLock() { locks_.leave(number_); }
  SharedIndexLock(const SharedIndexLock&) = delete;
  SharedIndexLock& operator=(const SharedIndexLock&) = delete;

 private:
  const IndexLocks& locks_;
  uint32_t number_;
};

class OwnedIndexLock {
 public:
  OwnedIndexLock(const IndexLocks& locks, uint32_t number) : locks_(locks), number_(number) {
    locks_.own(number_);
  }
  ~OwnedIndexLock() { locks_.leave(number_); }
  OwnedIndexLock(const OwnedIndexLock&) = delete;
  OwnedIndexLock& operator=(const OwnedIndexLock&) = delete;

 private:
  const IndexLocks& locks_;
  uint32_t number_;
};

// ---- sessions --------------------------------------------------------------

// A session is found by its id alone, so this index has locks of its own. What is found stays
// what it is for whoever holds the lock of its user's partition.
class SessionIndex {
 public:
  void attach(CellPool* pool, Cell* buckets, uint32_t buckets_per_partition, IndexLocks locks);

  struct Found {
    Cell session = no_cell;
    Cell user = no_cell;
    uint32_t partition = 0;  // the user's
  };
  Found find(const SessionKey& key) const;
  // False: there is one of this id already.
  bool insert(const SessionKey& key, Cell session);
  void remove(uint64_t hash, Cell session);
  void fetch_ahead(uint64_t hash) const { index_.fetch_ahead(hash); }

  // ---- the gateways of a realm, behind one of the same locks
  // Finds or makes it and counts `sessions` more for it; no_cell: full.
  Cell hold_gateway(Cell& gateways, std::string_view name, Duration lease, Time now,
                    uint32_t sessions);
  void release_gateway(Cell gateway);
  // Of a realm that is gone.
  void free_gateways(Cell& gateways);

 private:
  CellPool* pool_ = nullptr;
  Index<Session> index_;
  IndexLocks locks_{};
};

}  // namespace presence
