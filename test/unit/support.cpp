// support.cpp: laying out a region, reserving wishes.
#include "support.h"

namespace presence::test {

namespace {

constexpr std::size_t header_cells = 4;  // 512 bytes

std::size_t cells_for(std::size_t bytes) { return (bytes + cell_bytes - 1) / cell_bytes; }

}  // namespace

TestRegion::TestRegion(RegionSize size) {
  const std::size_t buckets = std::size_t{size.buckets_per_partition} * partition_count;
  memory_.resize(header_cells + cells_for(size.realms * sizeof(Realm)) +
                 cells_for(buckets * sizeof(Cell)) + size.cells);
  const RegionPlan plan{size.realms, size.buckets_per_partition, size.cells,
                        memory_.size() * cell_bytes};
  region.create(memory_.data(), plan, HashSeed{1, 2});
}

std::optional<Wish> reserve_wish(Region& region, const Ask& ask) {
  CellPool& pool = region.pool;
  Wish wish;
  wish.change = {ask.kind, ask.status, ask.at, ask.until, std::nullopt};
  wish.reason = ask.reason;
  const auto message = put_text(pool, ask.message.value_or(""));
  const auto reason_text = put_text(pool, ask.reason_text);
  if (ask.message) wish.change.message = message.value_or(no_cell);
  wish.reason_text = reason_text.value_or(no_cell);
  wish.spare_session = pool.take();
  wish.spare_extras = pool.take();
  if (message && reason_text && wish.spare_session != no_cell && wish.spare_extras != no_cell)
    return wish;
  Roster(region).free_wish(wish);
  return std::nullopt;
}

uint32_t cells_of_text(std::size_t bytes) {
  return static_cast<uint32_t>((bytes + TextCell::capacity - 1) / TextCell::capacity);
}

uint32_t cells_of_wish(const Ask& ask) {
  return 2 + cells_of_text(ask.message.value_or("").size()) + cells_of_text(ask.reason_text.size());
}

std::string text_of(std::size_t bytes, char letter) { return std::string(bytes, letter); }

}  // namespace presence::test
