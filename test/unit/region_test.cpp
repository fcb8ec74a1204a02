// region_test.cpp: how memory is divided.
#include <gtest/gtest.h>

#include <cstring>

#include "support.h"

namespace presence::test {
namespace {

// A region as big as its plan says, with sanitizers watching its end.
class Planned {
 public:
  explicit Planned(std::size_t bytes) : plan(plan_region(bytes)), memory_(bytes / cell_bytes) {
    region.create(memory_.data(), plan, HashSeed{1, 2}, no_locks);
  }

  RegionPlan plan;
  Region region;

 private:
  std::vector<RawCell> memory_;
};

TEST(RegionPlan, UsesMostOfTheMemoryForCells) {
  for (const std::size_t megabytes : {4, 16, 128, 1024}) {
    const std::size_t bytes = megabytes << 20;
    const RegionPlan plan = plan_region(bytes);
    EXPECT_GT(std::size_t{plan.cells} * cell_bytes, bytes * 9 / 10) << megabytes;
    EXPECT_GE(plan.realms, 16u);
    EXPECT_LE(plan.realms, max_realms);
  }
}

TEST(RegionPlan, NeverTakesMoreThanThereIs) {
  for (const std::size_t bytes :
       {std::size_t{300} << 10, std::size_t{500} << 10, std::size_t{4} << 20}) {
    Planned planned(bytes);
    CellPool& pool = planned.region.pool;
    EXPECT_EQ(pool.count(), planned.plan.cells);
    while (const Cell cell = pool.take()) std::memset(&pool.at<RawCell>(cell), 1, cell_bytes);
    EXPECT_EQ(pool.used(), pool.count());
  }
}

TEST(RegionPlan, HasNoCellsWhereThereIsNoRoom) { EXPECT_EQ(plan_region(1000).cells, 0u); }

TEST(Region, IsTheSameForWhoeverAttaches) {
  std::vector<RawCell> memory((std::size_t{1} << 20) / cell_bytes);
  Region first, second;
  first.create(memory.data(), plan_region(std::size_t{1} << 20), HashSeed{3, 4}, no_locks);
  second.attach(memory.data(), no_locks);

  Roster writer(first), reader(second);
  const Cell cell = writer.add(first.key(5, "somebody"));
  EXPECT_EQ(second.key(5, "somebody").hash, first.key(5, "somebody").hash);
  EXPECT_EQ(reader.find(second.key(5, "somebody")), cell);
  EXPECT_EQ(second.realm_count(), first.realm_count());
  EXPECT_EQ(second.pool.used(), 1u);
  EXPECT_EQ(second.hash_of(second.pool.at<User>(cell)), first.key(5, "somebody").hash);
}

}  // namespace
}  // namespace presence::test
