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

namespace {

bool may_need_session(const Ask& ask) {
  return ask.kind == ChangeKind::choose || ask.kind == ChangeKind::be_automatic;
}

bool may_need_extras(const Ask& ask) {
  return ask.kind == ChangeKind::choose || !ask.message.value_or("").empty() ||
         !ask.reason_text.empty();
}

}  // namespace

// No more than the SQL functions reserve, so that a change that needs more shows.
std::optional<Wish> reserve_wish(Region& region, const Ask& ask) {
  CellPool& pool = region.pool;
  Wish wish;
  wish.change = {ask.kind, ask.status, ask.at, ask.until, std::nullopt};
  wish.reason = ask.reason;
  const auto message = put_text(pool, ask.message.value_or(""));
  const auto reason_text = put_text(pool, ask.reason_text);
  if (ask.message) wish.change.message = message.value_or(no_cell);
  wish.reason_text = reason_text.value_or(no_cell);
  if (may_need_session(ask)) wish.spare_session = pool.take();
  if (may_need_extras(ask)) wish.spare_extras = pool.take();
  if (message && reason_text && (wish.spare_session != no_cell) == may_need_session(ask) &&
      (wish.spare_extras != no_cell) == may_need_extras(ask))
    return wish;
  Roster(region).free_wish(wish);
  return std::nullopt;
}

uint32_t cells_of_text(std::size_t bytes) {
  return static_cast<uint32_t>((bytes + TextCell::capacity - 1) / TextCell::capacity);
}

uint32_t cells_of_wish(const Ask& ask) {
  return may_need_session(ask) + may_need_extras(ask) +
         cells_of_text(ask.message.value_or("").size()) + cells_of_text(ask.reason_text.size());
}

std::string text_of(std::size_t bytes, char letter) { return std::string(bytes, letter); }

}  // namespace presence::test
