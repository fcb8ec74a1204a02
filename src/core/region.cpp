// region.cpp: placing things, and nothing else.
#include "region.h"

#include <algorithm>
#include <bit>
#include <new>

namespace presence {

struct Region::Header {
  RegionPlan plan;
  HashSeed seed;
  CellPoolHead pool;
};

namespace {

constexpr std::size_t header_bytes = 512;

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + cell_bytes - 1) / cell_bytes * cell_bytes;
}

std::size_t realms_at() { return aligned(header_bytes); }

std::size_t buckets_at(const RegionPlan& plan) {
  return realms_at() + aligned(plan.realms * sizeof(Realm));
}

std::size_t bucket_bytes(const RegionPlan& plan) {
  return aligned(std::size_t{plan.buckets_per_partition} * partition_count * sizeof(Cell));
}

std::size_t session_buckets_at(const RegionPlan& plan) {
  return buckets_at(plan) + bucket_bytes(plan);
}

std::size_t channel_buckets_at(const RegionPlan& plan) {
  return session_buckets_at(plan) + bucket_bytes(plan);
}

std::size_t channel_bucket_bytes(const RegionPlan& plan) {
  return aligned(std::size_t{plan.channel_buckets} * partition_count * sizeof(Cell));
}

std::size_t viewer_buckets_at(const RegionPlan& plan) {
  return channel_buckets_at(plan) + channel_bucket_bytes(plan);
}

std::size_t cells_at(const RegionPlan& plan) {
  return viewer_buckets_at(plan) + channel_bucket_bytes(plan);
}

}  // namespace

// A user takes at least two cells while it is online, so half as many buckets as
// cells keep chains at about one.
RegionPlan plan_region(std::size_t bytes) {
  RegionPlan plan{};
  plan.realms =
      static_cast<uint32_t>(std::clamp<std::size_t>(bytes / bytes_per_realm, 16, max_realms));
  const std::size_t users = bytes / (2 * cell_bytes);
  plan.buckets_per_partition =
      static_cast<uint32_t>(std::max<std::size_t>(64, std::bit_floor(users) / partition_count));
  // Channels have members, so there are fewer of them.
  plan.channel_buckets = plan.buckets_per_partition / 4;
  const std::size_t start = cells_at(plan) + cell_bytes;
  const std::size_t cells = start < bytes ? (bytes - start) / cell_bytes : 0;
  plan.cells = static_cast<uint32_t>(std::min<std::size_t>(cells, max_cells));
  plan.bytes = bytes;
  return plan;
}

void Region::create(void* memory, const RegionPlan& plan, HashSeed seed, const Locks& locks) {
  header_ = new (memory) Header{plan, seed, {}};
  static_assert(sizeof(Header) <= header_bytes);
  char* base = static_cast<char*>(memory);

  Realm* realms = reinterpret_cast<Realm*>(base + realms_at());
  for (uint32_t i = 0; i < plan.realms; i++) new (realms + i) Realm{};
  Cell* buckets = reinterpret_cast<Cell*>(base + buckets_at(plan));
  std::fill_n(buckets, 2 * (bucket_bytes(plan) + channel_bucket_bytes(plan)) / sizeof(Cell),
              no_cell);
  pool.create(&header_->pool, reinterpret_cast<RawCell*>(base + cells_at(plan)), plan.cells);
  attach(memory, locks);
}

void Region::attach(void* memory, const Locks& locks) {
  header_ = static_cast<Header*>(memory);
  const RegionPlan& plan = header_->plan;
  char* base = static_cast<char*>(memory);

  realms_ = reinterpret_cast<Realm*>(base + realms_at());
  index.attach(reinterpret_cast<Cell*>(base + buckets_at(plan)), plan.buckets_per_partition);
  sessions.attach(&pool, reinterpret_cast<Cell*>(base + session_buckets_at(plan)),
                  plan.buckets_per_partition, locks.sessions);
  channels.attach(&pool, realms_, reinterpret_cast<Cell*>(base + channel_buckets_at(plan)),
                  plan.channel_buckets, locks.channels);
  viewers.attach(&pool, reinterpret_cast<Cell*>(base + viewer_buckets_at(plan)),
                 plan.channel_buckets, locks.viewers);
  pool.attach(&header_->pool, reinterpret_cast<RawCell*>(base + cells_at(plan)));
}

uint32_t Region::realm_count() const { return header_->plan.realms; }

UserKey Region::key(uint16_t realm, std::string_view id) const {
  const uint64_t hash = hash_key(header_->seed, realm, id);
  index.fetch_ahead(hash);
  return {realm, hash, id};
}

SessionKey Region::session_key(uint16_t realm, std::string_view id) const {
  const uint64_t hash = hash_key(header_->seed, realm, id);
  sessions.fetch_ahead(hash);
  return {realm, hash, id};
}

ChannelKey Region::channel_key(uint16_t realm, std::string_view id) const {
  return {realm, hash_key(header_->seed, realm, id), id};
}

Key Region::viewer_key(uint16_t realm, std::string_view id) const {
  return {realm, hash_key(header_->seed, realm, id), id};
}

uint64_t Region::hash_of(const User& user) const {
  char id[max_id_bytes];
  const uint32_t bytes = get_id(pool, user, id);
  return hash_key(header_->seed, user.realm, {id, bytes});
}

uint64_t Region::hash_of(const Session& session) const {
  char id[max_id_bytes];
  const uint32_t bytes = get_id(pool, session, id);
  return hash_key(header_->seed, session.realm, {id, bytes});
}

}  // namespace presence
