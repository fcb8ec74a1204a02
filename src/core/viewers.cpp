// viewers.cpp: viewers come with the first relation to them and go with the last.
#include "viewers.h"

#include <new>

#include "user.h"

namespace presence {

void ViewerIndex::attach(CellPool* pool, Cell* buckets, uint32_t buckets_per_partition,
                         IndexLocks locks) {
  pool_ = pool;
  index_.attach(buckets, buckets_per_partition);
  locks_ = locks;
}

Cell ViewerIndex::hold(const Key& key) {
  const OwnedIndexLock lock(locks_, key.partition());
  Cell found = index_.find(*pool_, key);
  if (found == no_cell) {
    found = pool_->take();
    if (found == no_cell) return no_cell;
    ViewerRecord& made = *new (&pool_->at<ViewerRecord>(found)) ViewerRecord{};
    if (!set_id(*pool_, made, key.id)) {
      pool_->give(found);
      return no_cell;
    }
    made.realm = key.realm;
    made.partition = key.partition() & (partition_count - 1);
    made.hash = key.hash;
    index_.insert(*pool_, key.hash, found);
  }
  pool_->at<ViewerRecord>(found).holders++;
  return found;
}

void ViewerIndex::release(Cell cell) {
  ViewerRecord& held = pool_->at<ViewerRecord>(cell);
  const OwnedIndexLock lock(locks_, held.partition);
  if (--held.holders > 0) return;
  index_.remove(*pool_, held.hash, cell);
  free_id(*pool_, held);
  pool_->give(cell);
}

Cell ViewerIndex::find(const Key& key) const {
  const SharedIndexLock lock(locks_, key.partition());
  return index_.find(*pool_, key);
}

void ViewerIndex::link(Cell relations, uint32_t number, Cell user) {
  const RelationPlace place = relations * relation_places + number;
  Relation& linked = relation(place);
  ViewerRecord& viewer = pool_->at<ViewerRecord>(linked.viewer);
  const OwnedIndexLock lock(locks_, viewer.partition);
  linked.user = user;
  linked.prev = no_relation;
  linked.next = viewer.first;
  if (viewer.first != no_relation) relation(viewer.first).prev = place;
  viewer.first = place;
}

void ViewerIndex::unlink(Cell relations, uint32_t number) {
  const Relation& unlinked = relation(relations * relation_places + number);
  ViewerRecord& viewer = pool_->at<ViewerRecord>(unlinked.viewer);
  const OwnedIndexLock lock(locks_, viewer.partition);
  (unlinked.prev == no_relation ? viewer.first : relation(unlinked.prev).next) = unlinked.next;
  if (unlinked.next != no_relation) relation(unlinked.next).prev = unlinked.prev;
}

namespace {

// To a contact without a detail of its own an open user is what it is to everybody.
bool is_as_to_strangers(const Relation& relation, Audience preset) {
  const bool is_plain = !relation.is_blocked && relation.own == Detail::nothing;
  return is_plain &&
         (relation.user_has_rule ? relation.user_is_open : preset == Audience::everyone);
}

}  // namespace

// The user of a relation in the list stays, and so does its id.
std::size_t ViewerIndex::collect(const Key& key, Audience preset, std::span<Candidate> room) const {
  const SharedIndexLock lock(locks_, key.partition());
  const Cell found = index_.find(*pool_, key);
  if (found == no_cell) return 0;
  std::size_t count = 0;
  for (RelationPlace at = pool_->at<ViewerRecord>(found).first; at != no_relation;
       at = relation(at).next) {
    const Relation& one = relation(at);
    if (is_as_to_strangers(one, preset)) continue;
    if (count < room.size())
      room[count].id_bytes = get_id(*pool_, pool_->at<User>(one.user), room[count].id_text);
    count++;
  }
  return count;
}

}  // namespace presence
