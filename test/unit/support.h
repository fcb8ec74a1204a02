// support.h: what the tests of the core share: a region on the heap, and wishes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/roster.h"

namespace presence::test {

struct RegionSize {
  uint32_t cells = 1000;
  uint32_t realms = 2;
  uint32_t buckets_per_partition = 4;
};

// Shared memory of exactly the size that it needs, so that a sanitizer sees the first byte
// written behind it.
class TestRegion {
 public:
  explicit TestRegion(RegionSize size);
  TestRegion() : TestRegion(RegionSize{}) {}

  Region region;

 private:
  std::vector<RawCell> memory_;
};

// What somebody asks for in a transaction, as the SQL functions get it.
struct Ask {
  ChangeKind kind = ChangeKind::choose;
  Status status = Status::offline;  // of `choose`
  Time at = 0;
  Time until = never;
  std::optional<std::string> message = {};  // nothing keeps the old one, "" clears it
  Reason reason = Reason::manual;
  std::string reason_text = {};  // of a custom reason
};

// The wish with all cells that granting it may need. Nothing when the pool has too few; then
// none is taken.
std::optional<Wish> reserve_wish(Region& region, const Ask& ask);

// How many cells a text takes, and the cells that such a wish holds.
uint32_t cells_of_text(std::size_t bytes);
uint32_t cells_of_wish(const Ask& ask);

// "name" of 128 bytes and the like: the same letter again and again.
std::string text_of(std::size_t bytes, char letter = 'x');

}  // namespace presence::test
