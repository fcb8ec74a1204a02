// channels.cpp: channels come with their first record and go with their last.
#include "channels.h"

#include <algorithm>
#include <new>

#include "region.h"

namespace presence {

void ChannelIndex::attach(CellPool* pool, Realm* realms, Cell* buckets,
                          uint32_t buckets_per_partition, IndexLocks locks) {
  pool_ = pool;
  realms_ = realms;
  index_.attach(buckets, buckets_per_partition);
  locks_ = locks;
}

RealmChannels& ChannelIndex::share_of(uint16_t realm, uint32_t partition) const {
  return realms_[realm].channels[partition];
}

// ---- coming and going ------------------------------------------------------

Cell ChannelIndex::make(const ChannelKey& key) {
  const Cell cell = pool_->take();
  if (cell == no_cell) return no_cell;
  Channel& made = *new (&channel(cell)) Channel{};
  made.realm = key.realm;
  made.partition = key.partition() & (partition_count - 1);
  made.hash = key.hash;
  if (set_id(*pool_, made, key.id)) return cell;
  pool_->give(cell);
  return no_cell;
}

void ChannelIndex::free_made(Cell cell) {
  if (cell == no_cell) return;
  free_id(*pool_, channel(cell));
  pool_->give(cell);
}

Cell ChannelIndex::hold(const ChannelKey& key, Cell& spare) {
  const OwnedIndexLock lock(locks_, key.partition());
  Cell found = index_.find(*pool_, key);
  if (found == no_cell) {
    found = spare;
    spare = no_cell;
    index_.insert(*pool_, key.hash, found);
  }
  channel(found).records++;
  return found;
}

void ChannelIndex::release(Cell cell) {
  const OwnedIndexLock lock(locks_, channel(cell).partition);
  channel(cell).records--;
  free_if_idle(cell);
}

void ChannelIndex::free_if_idle(Cell cell) {
  Channel& idle = channel(cell);
  if (idle.records > 0 || idle.in_changed || idle.in_told) return;
  index_.remove(*pool_, idle.hash, cell);
  free_made(cell);
}

// ---- who is there ----------------------------------------------------------

void ChannelIndex::link_first(Channel& of, Cell cell) {
  Member& linked = member(cell);
  linked.newer = no_cell;
  linked.older = of.newest;
  (of.newest == no_cell ? of.oldest : member(of.newest).newer) = cell;
  of.newest = cell;
}

void ChannelIndex::unlink(Channel& of, Cell cell) {
  Member& unlinked = member(cell);
  (unlinked.newer == no_cell ? of.newest : member(unlinked.newer).older) = unlinked.older;
  (unlinked.older == no_cell ? of.oldest : member(unlinked.older).newer) = unlinked.newer;
  unlinked.newer = unlinked.older = no_cell;
}

// Clocks of two processes may differ by a moment: whoever comes first at the lock is before.
void ChannelIndex::arrive(Cell cell, Cell of, Time at) {
  Channel& there = channel(cell);
  const OwnedIndexLock lock(locks_, there.partition);
  Member& arriving = member(of);
  if (arriving.listed && at <= arriving.last_active) return;
  if (there.newest != no_cell) at = std::max(at, member(there.newest).last_active);
  arriving.last_active = at;
  if (there.newest == of) return;
  if (arriving.listed) {
    unlink(there, of);
  } else {
    arriving.listed = true;
    there.members++;
    note_change(cell);
  }
  link_first(there, of);
}

void ChannelIndex::depart(Cell cell, Cell of) {
  Channel& there = channel(cell);
  const OwnedIndexLock lock(locks_, there.partition);
  Member& departing = member(of);
  if (!departing.listed) return;
  unlink(there, of);
  departing.listed = false;
  there.members--;
  note_change(cell);
}

Time ChannelIndex::last_active(Cell cell, Cell of) const {
  const SharedIndexLock lock(locks_, channel(cell).partition);
  return member(of).last_active;
}

bool ChannelIndex::has(const ChannelKey& key) const {
  const SharedIndexLock lock(locks_, key.partition());
  return index_.find(*pool_, key) != no_cell;
}

namespace {

constexpr uint32_t buckets_at_once = 1024;  // are looked at with the lock held

}  // namespace

std::size_t ChannelIndex::collect_ids(uint16_t realm, uint32_t partition, uint32_t& bucket,
                                      std::span<ChannelId> room) const {
  const SharedIndexLock lock(locks_, partition);
  const uint32_t end = std::min(bucket + buckets_at_once, index_.buckets());
  std::size_t count = 0;
  for (; bucket < end; bucket++) {
    const std::size_t before = count;
    for (Cell at = index_.first_in(partition, bucket); at != no_cell; at = channel(at).chain) {
      if (channel(at).realm != realm) continue;
      // The bucket comes first the next time, unless it alone is more than there is room for.
      if (count == room.size() && before > 0) return before;
      if (count == room.size()) break;
      room[count].id_bytes = get_id(*pool_, channel(at), room[count].id_text);
      count++;
    }
  }
  return count;
}

bool ChannelIndex::is_large(const ChannelKey& key) const {
  const SharedIndexLock lock(locks_, key.partition());
  const Cell found = index_.find(*pool_, key);
  return found != no_cell && channel(found).large;
}

uint32_t ChannelIndex::members(const ChannelKey& key) const {
  const SharedIndexLock lock(locks_, key.partition());
  const Cell found = index_.find(*pool_, key);
  return found == no_cell ? 0 : channel(found).members;
}

// The user of a record that is in a list of the channel stays, and so does its id.
MemberCandidate ChannelIndex::candidate_of(const Member& of) const {
  MemberCandidate candidate;
  candidate.last_active = of.last_active;
  candidate.id_bytes = get_id(*pool_, pool_->at<User>(of.user), candidate.id_text);
  return candidate;
}

std::size_t ChannelIndex::collect(const ChannelKey& key, Cell after, Time not_before,
                                  std::span<MemberCandidate> room) const {
  const SharedIndexLock lock(locks_, key.partition());
  const Cell found = index_.find(*pool_, key);
  if (found == no_cell) return 0;
  if (after != no_cell && (member(after).channel != found || !member(after).listed)) return 0;
  std::size_t count = 0;
  Cell at = after == no_cell ? channel(found).newest : member(after).older;
  for (; at != no_cell && count < room.size(); at = member(at).older) {
    const Member& there = member(at);
    if (there.last_active < not_before) break;
    room[count++] = candidate_of(there);
  }
  return count;
}

// ---- who types -------------------------------------------------------------

void ChannelIndex::begin_typing(Cell cell, Cell of) {
  Channel& there = channel(cell);
  const OwnedIndexLock lock(locks_, there.partition);
  Typing& typing = pool_->at<Typing>(of);
  typing.there_prev = no_cell;
  typing.there_next = there.typing;
  if (there.typing != no_cell) pool_->at<Typing>(there.typing).there_prev = of;
  there.typing = of;
}

void ChannelIndex::end_typing(Cell cell, Cell of) {
  Channel& there = channel(cell);
  const OwnedIndexLock lock(locks_, there.partition);
  const Typing& gone = pool_->at<Typing>(of);
  (gone.there_prev == no_cell ? there.typing : pool_->at<Typing>(gone.there_prev).there_next) =
      gone.there_next;
  if (gone.there_next != no_cell) pool_->at<Typing>(gone.there_next).there_prev = gone.there_prev;
}

std::size_t ChannelIndex::collect_typing(const ChannelKey& key,
                                         std::span<MemberCandidate> room) const {
  const SharedIndexLock lock(locks_, key.partition());
  const Cell found = index_.find(*pool_, key);
  std::size_t count = 0;
  Cell at = found == no_cell ? no_cell : channel(found).typing;
  for (; at != no_cell && count < room.size(); at = pool_->at<Typing>(at).there_next)
    room[count++] = candidate_of(member(pool_->at<Typing>(at).member));
  return count;
}

// ---- whole channels --------------------------------------------------------

namespace {

constexpr uint32_t looks_at_once = 256;  // at channels, with the lock held

}  // namespace

void ChannelIndex::note_change(Cell cell) {
  Channel& changed = channel(cell);
  if (changed.in_changed) return;
  RealmChannels& share = share_of(changed.realm, changed.partition);
  changed.in_changed = true;
  changed.changed_next = share.changed;
  share.changed = cell;
}

bool ChannelIndex::take_news(uint16_t realm, uint32_t partition, uint32_t large_from, Time now,
                             ChannelNews& out) {
  const OwnedIndexLock lock(locks_, partition);
  RealmChannels& share = share_of(realm, partition);
  for (uint32_t looks = 0; share.changed != no_cell && looks < looks_at_once; looks++) {
    const Cell cell = share.changed;
    Channel& changed = channel(cell);
    share.changed = changed.changed_next;
    changed.in_changed = false;

    // Back below 80 % of the limit, so that nobody who comes and goes makes it flap. While it was
    // told of lately it stays large: listeners hear of the end first.
    const bool was_large = changed.large;
    if (changed.members > large_from)
      changed.large = true;
    else if (!changed.in_told && uint64_t{changed.members} * 5 < uint64_t{large_from} * 4)
      changed.large = false;
    // Also of one that was large for a moment without being told joins and leaves were not heard.
    const bool ends = !changed.large && (changed.told_large || was_large);
    const bool differs =
        changed.large && (!changed.told_large || changed.members != changed.told_members);
    if (!(ends || differs) || changed.in_told) {
      free_if_idle(cell);
      continue;
    }
    out.id_bytes = get_id(*pool_, changed, out.id_text);
    out.members = changed.members;
    out.large = changed.large;
    out.resync = ends;
    changed.told_members = changed.members;
    changed.told_large = changed.large;
    changed.told_at = now;
    changed.in_told = true;
    changed.told_next = no_cell;
    (share.last_told == no_cell ? share.first_told : channel(share.last_told).told_next) = cell;
    share.last_told = cell;
    return true;
  }
  return false;
}

bool ChannelIndex::look_whether_large(Cell cell, uint32_t large_from) {
  Channel& looked_at = channel(cell);
  const OwnedIndexLock lock(locks_, looked_at.partition);
  if (!looked_at.large && looked_at.members > large_from) {
    looked_at.large = true;
    note_change(cell);
  }
  return looked_at.large;
}

void ChannelIndex::settle(uint16_t realm, uint32_t partition, Time now) {
  const OwnedIndexLock lock(locks_, partition);
  RealmChannels& share = share_of(realm, partition);
  while (share.first_told != no_cell &&
         channel(share.first_told).told_at + occupancy_interval <= now) {
    const Cell cell = share.first_told;
    Channel& due = channel(cell);
    share.first_told = due.told_next;
    if (share.first_told == no_cell) share.last_told = no_cell;
    due.in_told = false;
    if (due.large || due.told_large)
      note_change(cell);
    else
      free_if_idle(cell);
  }
}

Time ChannelIndex::next_due(uint16_t realm, uint32_t partition) const {
  const SharedIndexLock lock(locks_, partition);
  const Cell first = share_of(realm, partition).first_told;
  return first == no_cell ? never : channel(first).told_at + occupancy_interval;
}

bool ChannelIndex::has_news(uint16_t realm, uint32_t partition) const {
  const SharedIndexLock lock(locks_, partition);
  return share_of(realm, partition).changed != no_cell;
}

bool ChannelIndex::forget_some_news(uint16_t realm, uint32_t partition) {
  const OwnedIndexLock lock(locks_, partition);
  RealmChannels& share = share_of(realm, partition);
  for (uint32_t looks = 0; looks < looks_at_once; looks++) {
    if (const Cell cell = share.changed; cell != no_cell) {
      share.changed = channel(cell).changed_next;
      channel(cell).in_changed = false;
      free_if_idle(cell);
    } else if (const Cell told = share.first_told; told != no_cell) {
      share.first_told = channel(told).told_next;
      if (share.first_told == no_cell) share.last_told = no_cell;
      channel(told).in_told = false;
      free_if_idle(told);
    } else {
      return true;
    }
  }
  return false;
}

void ChannelIndex::forget_news(uint16_t realm, uint32_t partition) {
  while (!forget_some_news(realm, partition)) {
  }
}

}  // namespace presence
