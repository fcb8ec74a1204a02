// viewers.h: how the rules about who sees whom lie in the region, and the index of viewers.
//
// The rules of a user hang on it, behind its partition's lock. What a user has to do with one
// viewer is a relation: it lies with its user, and is in the list of its viewer, so that those whom
// a viewer has to do with are found without a look at everybody. That list, and the viewer, are
// guarded by a lock of the viewers' own, one a partition of their hashes, which comes after the
// lock of a user's partition. A viewer is there while a relation holds it.
#pragma once

#include <array>

#include "index.h"
#include "visibility.h"

namespace presence {

// What those see from whom a user hides. Never changed once others can see it.
struct Shown {
  uint32_t holders;  // relations and rules of one user, which share it
  Detail detail;
  bool is_new;  // made by a transaction that has not committed: until then the user goes on
  uint32_t activity_count;
  Cell message;  // a text
  Cell data;     // a text
  Cell choices;  // a text: with earlier ones, whose message may come back
  Time last_seen;
  Time message_until;
};
static_assert(sizeof(Shown) <= cell_bytes);

// A place in a cell of relations: number of the cell, number in it.
using RelationPlace = uint32_t;
inline constexpr RelationPlace no_relation = 0;

struct Relation {
  Cell viewer;  // a ViewerRecord
  Cell shown;   // while nothing is seen; no_cell: what others of the same kind see
  bool is_contact : 1;
  bool is_blocked : 1;
  bool is_linked : 1;  // in the list of its viewer
  Detail own : 2;
  // The user's rule for everywhere, so that it need not be looked for.
  bool user_has_rule : 1;
  Audience user_audience : 2;
  Detail user_detail : 2;
  uint16_t short_hash;  // of its viewer's id, so that most others need not be looked at
  // ---- guarded by the viewer's lock
  Cell user;
  RelationPlace next, prev;
};

struct Relations {
  static constexpr uint32_t there = 5;

  Cell next;
  uint32_t count;
  std::array<Relation, there> items;
};
static_assert(sizeof(Relations) <= cell_bytes);
// A number of a cell and one in it must fit a RelationPlace.
inline constexpr uint32_t relation_places = 8;
static_assert(max_cells <= UINT32_MAX / relation_places);

struct ChannelRule {
  uint64_t channel;  // the hash of its id
  Audience audience;
  Detail detail;
};

struct ChannelRules {
  static constexpr uint32_t there = 7;

  Cell next;
  uint32_t count;
  std::array<ChannelRule, there> items;
};
static_assert(sizeof(ChannelRules) <= cell_bytes);

// All rules of one user. Never changed, but put in the place of another one.
struct Visibility {
  bool has_rule;
  Audience audience;
  Detail detail;
  Detail least;  // that any relation gives its viewer, of whatever kind the rules are
  Cell channel_rules;
  Cell relations;
  Cell to_strangers, to_contacts;  // Shown, or no_cell
};
static_assert(sizeof(Visibility) <= cell_bytes);

struct ViewerRecord {
  Cell chain;  // the next viewer of the same bucket
  uint16_t realm : 12;
  uint16_t partition : 4;
  uint8_t id_bytes;
  uint32_t holders;
  uint64_t hash;  // of its id
  char id[short_id];
  std::array<RelationPlace, partition_count> first;  // by the users' partitions
};
static_assert(sizeof(ViewerRecord) <= cell_bytes);

// On whose behalf something is read. Its record is not looked up: it may come and go with the users
// who are loaded and evicted meanwhile.
struct Viewer {
  Key key;
  std::span<const uint64_t> channels;  // the hashes of those that it is in, in order
  bool is_everybody = false;           // what anybody may know: the least that anyone sees
};

class ViewerIndex {
 public:
  void attach(CellPool* pool, Cell* buckets, uint32_t buckets_per_partition, IndexLocks locks);

  // Finds the viewer or makes it; no_cell: memory is full.
  Cell hold(const Key& key);
  void release(Cell viewer);
  Cell find(const Key& key) const;
  // For whoever holds the lock of the user whose relation it is.
  bool is(const Relation& relation, const Key& key) const {
    return relation.short_hash == short_hash_of(key) &&
           pool_->at<ViewerRecord>(relation.viewer).hash == key.hash;
  }
  static uint16_t short_hash_of(const Key& key) { return static_cast<uint16_t>(key.hash >> 48); }

  // From now on, or no longer, others find the user by its viewer.
  void link(Cell relations, uint32_t number, Cell user);
  void unlink(Cell relations, uint32_t number);

  // Calls `use` with each relation that users of one partition, whose lock is held, have to the
  // viewer.
  template <typename Use>
  void for_each(const Key& key, uint32_t partition, Use use) const {
    const SharedIndexLock lock(locks_, key.partition());
    const Cell found = index_.find(*pool_, key);
    if (found == no_cell) return;
    for (RelationPlace at = pool_->at<ViewerRecord>(found).first[partition]; at != no_relation;
         at = relation(at).next)
      use(relation(at));
  }

 private:
  RelationPlace& first_near(const Relation& relation) const;
  Relation& relation(RelationPlace place) const {
    return pool_->at<Relations>(place / relation_places).items[place % relation_places];
  }

  CellPool* pool_ = nullptr;
  Index<ViewerRecord> index_;
  IndexLocks locks_{};
};

}  // namespace presence
