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

RelationPlace& ViewerIndex::first_near(const Relation& relation) const {
  const uint32_t partition = pool_->at<User>(relation.user).partition;
  return pool_->at<ViewerRecord>(relation.viewer).first[partition];
}

void ViewerIndex::link(Cell relations, uint32_t number, Cell user) {
  const RelationPlace place = relations * relation_places + number;
  Relation& linked = relation(place);
  const OwnedIndexLock lock(locks_, pool_->at<ViewerRecord>(linked.viewer).partition);
  linked.user = user;
  RelationPlace& first = first_near(linked);
  linked.prev = no_relation;
  linked.next = first;
  if (first != no_relation) relation(first).prev = place;
  first = place;
}

void ViewerIndex::unlink(Cell relations, uint32_t number) {
  const Relation& unlinked = relation(relations * relation_places + number);
  const OwnedIndexLock lock(locks_, pool_->at<ViewerRecord>(unlinked.viewer).partition);
  (unlinked.prev == no_relation ? first_near(unlinked) : relation(unlinked.prev).next) =
      unlinked.next;
  if (unlinked.next != no_relation) relation(unlinked.next).prev = unlinked.prev;
}

}  // namespace presence
