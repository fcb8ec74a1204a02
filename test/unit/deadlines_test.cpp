// deadlines_test.cpp: the pairing heap against std::multimap.
#include <gtest/gtest.h>

#include <map>
#include <new>
#include <random>

#include "core/deadlines.h"
#include "support.h"

namespace presence::test {
namespace {

class DeadlinesTest : public testing::Test {
 protected:
  Cell add(Time due) {
    const Cell cell = pool.take();
    new (&pool.at<User>(cell)) User{};
    pool.at<User>(cell).due = due;
    add_deadline(pool, root, cell);
    return cell;
  }
  void remove(Cell cell) {
    remove_deadline(pool, root, cell);
    pool.give(cell);
  }
  Time earliest() const { return root == no_cell ? never : pool.at<User>(root).due; }

  TestRegion memory{{5000, 1, 1}};
  CellPool& pool = memory.region.pool;
  Cell root = no_cell;
};

TEST_F(DeadlinesTest, NobodyIsDueAtFirst) { EXPECT_EQ(earliest(), never); }

TEST_F(DeadlinesTest, TheEarliestIsTheRoot) {
  add(30);
  add(10);
  add(20);
  EXPECT_EQ(earliest(), 10);
}

TEST_F(DeadlinesTest, TheNextFollowsWhenTheEarliestGoes) {
  add(30);
  const Cell ten = add(10);
  const Cell twenty = add(20);
  remove(ten);
  EXPECT_EQ(earliest(), 20);
  remove(twenty);
  EXPECT_EQ(earliest(), 30);
}

TEST_F(DeadlinesTest, SomebodyInTheMiddleMayGo) {
  add(10);
  std::vector<Cell> cells;
  for (const Time due : {50, 20, 40, 30}) cells.push_back(add(due));
  for (const Cell cell : cells) {
    remove(cell);
    EXPECT_EQ(earliest(), 10);
  }
}

TEST_F(DeadlinesTest, SaysWhoIsInIt) {
  const Cell cell = add(10);
  EXPECT_TRUE(pool.at<User>(cell).in_heap);
  remove_deadline(pool, root, cell);
  EXPECT_FALSE(pool.at<User>(cell).in_heap);
  EXPECT_EQ(root, no_cell);
}

TEST_F(DeadlinesTest, ManyAtTheSameMomentAllCome) {
  for (int i = 0; i < 100; i++) add(5);
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(earliest(), 5);
    remove(root);
  }
  EXPECT_EQ(root, no_cell);
}

TEST_F(DeadlinesTest, AgreesWithAMultimap) {
  for (const unsigned bias : {30u, 50u, 60u}) {
    std::mt19937 random(bias);
    std::multimap<Time, Cell> wanted;
    for (int step = 0; step < 20'000; step++) {
      if (random() % 100 < bias && wanted.size() < 4000) {
        const Time due = static_cast<Time>(random() % 200);
        wanted.emplace(due, add(due));
      } else if (!wanted.empty() && random() % 2 == 0) {
        // The earliest, whichever of several it is.
        const Cell first = root;
        auto [at, end] = wanted.equal_range(pool.at<User>(first).due);
        while (at != end && at->second != first) ++at;
        ASSERT_NE(at, end);
        remove(first);
        wanted.erase(at);
      } else if (!wanted.empty()) {
        auto any = wanted.begin();
        std::advance(any, random() % std::min<std::size_t>(wanted.size(), 20));
        remove(any->second);
        wanted.erase(any);
      }
      ASSERT_EQ(earliest(), wanted.empty() ? never : wanted.begin()->first);
    }
    while (root != no_cell) {
      ASSERT_EQ(earliest(), wanted.begin()->first);
      wanted.erase(wanted.find(earliest()));
      remove(root);
    }
    EXPECT_TRUE(wanted.empty());
  }
}

}  // namespace
}  // namespace presence::test
