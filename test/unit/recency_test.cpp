// recency_test.cpp: the order of the lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <random>

#include "core/recency.h"
#include "support.h"

namespace presence::test {
namespace {

constexpr uint8_t online = list_of(Status::online, false, false);

class RecencyTest : public testing::Test {
 protected:
  Cell link(Time last_seen, uint8_t list = online) {
    const Cell cell = pool.take();
    new (&pool.at<User>(cell)) User{};
    return link_again(cell, last_seen, list);
  }
  Cell link_again(Cell cell, Time last_seen, uint8_t list = online) {
    pool.at<User>(cell).last_seen = last_seen;
    link_user(pool, share, cell, list);
    return cell;
  }
  void unlink(Cell cell) { unlink_user(pool, share, cell); }

  std::vector<Cell> newest_first(uint8_t list = online) const {
    std::vector<Cell> cells;
    for (Cell at = share.lists[list].newest; at != no_cell; at = pool.at<User>(at).older)
      cells.push_back(at);
    return cells;
  }
  std::vector<Cell> oldest_first(uint8_t list = online) const {
    std::vector<Cell> cells;
    for (Cell at = share.lists[list].oldest; at != no_cell; at = pool.at<User>(at).newer)
      cells.push_back(at);
    return cells;
  }
  void expect_order(std::vector<Cell> wanted, uint8_t list = online) const {
    EXPECT_EQ(newest_first(list), wanted);
    EXPECT_EQ(share.lists[list].count, wanted.size());
    std::reverse(wanted.begin(), wanted.end());
    EXPECT_EQ(oldest_first(list), wanted);
  }

  TestRegion memory;
  CellPool& pool = memory.region.pool;
  RealmPartition share{};
};

TEST_F(RecencyTest, AnEmptyListHasNobody) { expect_order({}); }

TEST_F(RecencyTest, WhoeverWasSeenJustNowIsFirst) {
  const Cell a = link(1), b = link(2), c = link(3);
  expect_order({c, b, a});
}

TEST_F(RecencyTest, WhoeverWasSeenBeforeAllIsLast) {
  const Cell a = link(3), b = link(2), c = link(1);
  expect_order({a, b, c});
}

TEST_F(RecencyTest, InsertsInTheMiddleFromTheNewerEnd) {
  const Cell a = link(10), c = link(100);
  const Cell b = link(90);
  expect_order({c, b, a});
}

TEST_F(RecencyTest, InsertsInTheMiddleFromTheOlderEnd) {
  const Cell a = link(10), c = link(100);
  const Cell b = link(20);
  expect_order({c, b, a});
}

TEST_F(RecencyTest, OfThoseSeenAtTheSameMomentTheLastLinkedIsFirst) {
  const Cell a = link(5), b = link(5), c = link(5);
  expect_order({c, b, a});
  // Also when the walk begins at the older end, or at the newer one.
  const Cell newest = link(90), oldest = link(1);
  const Cell d = link(5);
  expect_order({newest, d, c, b, a, oldest});
  const Cell e = link(89), f = link(89);
  expect_order({newest, f, e, d, c, b, a, oldest});
}

TEST_F(RecencyTest, UnlinksFirstMiddleAndLast) {
  const Cell a = link(1), b = link(2), c = link(3), d = link(4);
  unlink(b);
  expect_order({d, c, a});
  unlink(d);
  expect_order({c, a});
  unlink(a);
  expect_order({c});
  unlink(c);
  expect_order({});
}

TEST_F(RecencyTest, OfflineIsInTheOrderOfArrival) {
  const Cell a = link(100, offline_list), b = link(5, offline_list), c = link(50, offline_list);
  expect_order({c, b, a}, offline_list);
}

TEST_F(RecencyTest, ListsDoNotMix) {
  const Cell a = link(1), b = link(2, list_of(Status::busy, true, true));
  expect_order({a});
  expect_order({b}, list_of(Status::busy, true, true));
}

TEST_F(RecencyTest, TheEndsOfTimeAreInOrderToo) {
  const Cell early = link(forever_ago), late = link(never), now = link(0);
  const Cell before = link(-1), after = link(1);
  expect_order({late, after, now, before, early});
}

TEST_F(RecencyTest, StaysSortedWhateverMoves) {
  std::mt19937_64 random(7);
  std::vector<Cell> cells;
  for (int i = 0; i < 100; i++) cells.push_back(link(static_cast<Time>(random() % 50)));
  for (int step = 0; step < 5000; step++) {
    const Cell cell = cells[random() % cells.size()];
    unlink(cell);
    link_again(cell, static_cast<Time>(random() % 50));
    const std::vector<Cell> order = newest_first();
    ASSERT_EQ(order.size(), cells.size());
    ASSERT_TRUE(std::is_sorted(order.begin(), order.end(), [&](Cell a, Cell b) {
      return pool.at<User>(a).last_seen > pool.at<User>(b).last_seen;
    }));
  }
}

TEST_F(RecencyTest, ManyInTheOrderOfTimeTakeAStepEach) {
  for (int i = 0; i < 300; i++) link(i);
  uint32_t steps = 0;
  for (int i = 100; i < 200; i++) {
    const Cell late = link(0, list_of(Status::away, false, false));
    unlink(late);
    pool.at<User>(late).last_seen = i;
    steps += link_user(pool, share, late, online);
  }
  EXPECT_LE(steps, 100u + 100u);  // the first one comes from an end
  const std::vector<Cell> order = newest_first();
  EXPECT_EQ(order.size(), 400u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), [&](Cell a, Cell b) {
    return pool.at<User>(a).last_seen > pool.at<User>(b).last_seen;
  }));
}

// As a reload of the settings does with all who are away: to the others and back.
TEST_F(RecencyTest, WhoGoesBackWithAHintTakesAStep) {
  constexpr uint8_t away = list_of(Status::away, false, false);
  for (int i = 0; i < 300; i++) link(i / 3 * 2, away);
  const std::vector<Cell> before = newest_first(away);
  uint32_t steps = 0;
  for (const Cell cell : before) {
    share.lists[away].hint = pool.at<User>(cell).older;
    unlink(cell);
    steps += link_user(pool, share, cell, online);
    unlink(cell);
    steps += link_user(pool, share, cell, away);
  }
  EXPECT_LE(steps, 2 * before.size());
  const std::vector<Cell> order = newest_first(away);
  ASSERT_EQ(order.size(), before.size());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end(), [&](Cell a, Cell b) {
    return pool.at<User>(a).last_seen > pool.at<User>(b).last_seen;
  }));
  EXPECT_EQ(oldest_first(away), std::vector<Cell>(order.rbegin(), order.rend()));
}

TEST(ListNumbers, NameStatusChoiceRegularityAndKind) {
  std::vector<uint8_t> numbers = {offline_list};
  for (const UserKind kind : {UserKind::open, UserKind::veiled, UserKind::closed})
    for (const Status status : {Status::away, Status::online, Status::busy})
      for (const bool chosen : {false, true})
        for (const bool irregular : {false, true}) {
          const uint8_t number = list_of(status, chosen, irregular, kind);
          numbers.push_back(number);
          EXPECT_EQ(status_of_list(number), status);
          EXPECT_EQ(is_regular(number), !irregular);
          EXPECT_EQ(kind_of_list(number), kind);
          EXPECT_EQ(among_open(number), list_of(status, chosen, irregular));
          EXPECT_EQ(list_of(Status::offline, chosen, irregular, kind), offline_list);
        }
  std::sort(numbers.begin(), numbers.end());
  ASSERT_EQ(numbers.size(), list_count);
  for (uint8_t i = 0; i < list_count; i++) EXPECT_EQ(numbers[i], i);
  EXPECT_EQ(status_of_list(offline_list), Status::offline);
  EXPECT_FALSE(is_regular(offline_list));
  EXPECT_EQ(among_open(offline_list), offline_list);
}

}  // namespace
}  // namespace presence::test
