// index.cpp: chains, and ids.
#include "viewers.h"

#include <cstring>
#include <new>

namespace presence {

template <typename Record>
void Index<Record>::attach(Cell* buckets, uint32_t buckets_per_partition) {
  buckets_ = buckets;
  per_partition_ = buckets_per_partition;
}

template <typename Record>
Cell Index<Record>::find(const CellPool& pool, const Key& key) const {
  Cell cell = bucket(key.hash);
  while (cell != no_cell) {
    const Record& record = pool.at<Record>(cell);
    if (record.realm == key.realm && id_equals(pool, record, key.id)) return cell;
    cell = record.chain;
  }
  return no_cell;
}

template <typename Record>
void Index<Record>::insert(CellPool& pool, uint64_t hash, Cell record) {
  Cell& head = bucket(hash);
  pool.at<Record>(record).chain = head;
  head = record;
}

template <typename Record>
void Index<Record>::remove(CellPool& pool, uint64_t hash, Cell record) {
  Cell* link = &bucket(hash);
  while (*link != record) link = &pool.at<Record>(*link).chain;
  *link = pool.at<Record>(record).chain;
}

template class Index<User>;
template class Index<Session>;
template class Index<Channel>;
template class Index<ViewerRecord>;

// ---- ids -------------------------------------------------------------------

namespace {

template <typename Record>
Cell rest_of_id(const Record& record) {
  Cell rest;
  std::memcpy(&rest, record.id + inline_id, sizeof rest);
  return rest;
}

}  // namespace

template <typename Record>
bool set_id(CellPool& pool, Record& record, std::string_view id) {
  if (id.size() > max_id_bytes) return false;
  record.id_bytes = static_cast<uint8_t>(id.size());
  if (id.size() <= short_id) {
    std::memcpy(record.id, id.data(), id.size());
    return true;
  }
  const std::optional<Cell> rest = put_text(pool, id.substr(inline_id));
  if (!rest) return false;
  std::memcpy(record.id, id.data(), inline_id);
  std::memcpy(record.id + inline_id, &*rest, sizeof *rest);
  return true;
}

template <typename Record>
void free_id(CellPool& pool, Record& record) {
  if (record.id_bytes > short_id) free_text(pool, rest_of_id(record));
  record.id_bytes = 0;
}

template <typename Record>
uint32_t get_id(const CellPool& pool, const Record& record, char* to) {
  if (record.id_bytes <= short_id) {
    std::memcpy(to, record.id, record.id_bytes);
  } else {
    std::memcpy(to, record.id, inline_id);
    get_text(pool, rest_of_id(record), to + inline_id);
  }
  return record.id_bytes;
}

template <typename Record>
bool id_equals(const CellPool& pool, const Record& record, std::string_view id) {
  if (record.id_bytes != id.size()) return false;
  if (id.size() <= short_id) return std::memcmp(record.id, id.data(), id.size()) == 0;
  return std::memcmp(record.id, id.data(), inline_id) == 0 &&
         text_equals(pool, rest_of_id(record), id.substr(inline_id));
}

template bool set_id(CellPool&, User&, std::string_view);
template bool set_id(CellPool&, Session&, std::string_view);
template bool set_id(CellPool&, Gateway&, std::string_view);
template bool set_id(CellPool&, Channel&, std::string_view);
template bool set_id(CellPool&, ViewerRecord&, std::string_view);
template void free_id(CellPool&, User&);
template void free_id(CellPool&, Session&);
template void free_id(CellPool&, Gateway&);
template void free_id(CellPool&, Channel&);
template void free_id(CellPool&, ViewerRecord&);
template uint32_t get_id(const CellPool&, const User&, char*);
template uint32_t get_id(const CellPool&, const Session&, char*);
template uint32_t get_id(const CellPool&, const Gateway&, char*);
template uint32_t get_id(const CellPool&, const Channel&, char*);
template uint32_t get_id(const CellPool&, const ViewerRecord&, char*);
template bool id_equals(const CellPool&, const User&, std::string_view);
template bool id_equals(const CellPool&, const Session&, std::string_view);
template bool id_equals(const CellPool&, const Gateway&, std::string_view);
template bool id_equals(const CellPool&, const Channel&, std::string_view);
template bool id_equals(const CellPool&, const ViewerRecord&, std::string_view);

// ---- sessions --------------------------------------------------------------

void SessionIndex::attach(CellPool* pool, Cell* buckets, uint32_t buckets_per_partition,
                          IndexLocks locks) {
  pool_ = pool;
  index_.attach(buckets, buckets_per_partition);
  locks_ = locks;
}

SessionIndex::Found SessionIndex::find(const SessionKey& key) const {
  Found found;
  locks_.share(key.partition());
  found.session = index_.find(*pool_, key);
  if (found.session != no_cell) {
    const Session& session = pool_->at<Session>(found.session);
    found.user = session.user;
    found.partition = session.partition;
  }
  locks_.leave(key.partition());
  return found;
}

bool SessionIndex::insert(const SessionKey& key, Cell session) {
  locks_.own(key.partition());
  const bool is_new = index_.find(*pool_, key) == no_cell;
  if (is_new) index_.insert(*pool_, key.hash, session);
  locks_.leave(key.partition());
  return is_new;
}

void SessionIndex::remove(uint64_t hash, Cell session) {
  const uint32_t number = static_cast<uint32_t>(hash) % partition_count;
  locks_.own(number);
  index_.remove(*pool_, hash, session);
  locks_.leave(number);
}

// ---- gateways --------------------------------------------------------------

namespace {

constexpr uint32_t gateways_lock = 0;

bool is_forgotten(const Gateway& gateway, Time now) {
  return gateway.sessions.load() == 0 && gateway.heard_at.load() + longest_lease < now;
}

}  // namespace

Cell SessionIndex::hold_gateway(Cell& gateways, std::string_view name, Duration lease, Time now,
                                uint32_t sessions) {
  locks_.own(gateways_lock);
  Cell found = no_cell;
  for (Cell* link = &gateways; *link != no_cell;) {
    const Cell cell = *link;
    Gateway& gateway = pool_->at<Gateway>(cell);
    if (id_equals(*pool_, gateway, name)) {
      found = cell;
    } else if (is_forgotten(gateway, now)) {
      *link = gateway.chain;
      free_id(*pool_, gateway);
      pool_->give(cell);
      continue;
    }
    link = &gateway.chain;
  }
  if (found == no_cell && (found = pool_->take()) != no_cell) {
    Gateway& made = *new (&pool_->at<Gateway>(found)) Gateway{};
    if (set_id(*pool_, made, name)) {
      made.heard_at.store(now);
      made.lease.store(lease);
      made.chain = gateways;
      gateways = found;
    } else {
      pool_->give(found);
      found = no_cell;
    }
  }
  if (found != no_cell) pool_->at<Gateway>(found).sessions.fetch_add(sessions);
  locks_.leave(gateways_lock);
  return found;
}

void SessionIndex::release_gateway(Cell cell) {
  if (cell == no_cell) return;
  Gateway& gateway = pool_->at<Gateway>(cell);
  if (gateway.sessions.fetch_sub(1) == orphaned_gateway + 1) {
    free_id(*pool_, gateway);
    pool_->give(cell);
  }
}

void SessionIndex::free_gateways(Cell& gateways) {
  locks_.own(gateways_lock);
  while (gateways != no_cell) {
    const Cell cell = gateways;
    Gateway& gateway = pool_->at<Gateway>(cell);
    gateways = gateway.chain;
    gateway.sessions.fetch_add(1);
    gateway.sessions.fetch_or(orphaned_gateway);
    release_gateway(cell);
  }
  locks_.leave(gateways_lock);
}

}  // namespace presence
