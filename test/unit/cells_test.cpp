// cells_test.cpp: the pool, and texts as chains of its cells.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "support.h"

namespace presence::test {
namespace {

// ---- the pool --------------------------------------------------------------

TEST(CellPool, GivesEachCellOnceAndThenNone) {
  TestRegion memory({5, 1, 1});
  CellPool& pool = memory.region.pool;
  std::set<Cell> taken;
  for (int i = 0; i < 5; i++) taken.insert(pool.take());
  EXPECT_EQ(taken, (std::set<Cell>{1, 2, 3, 4, 5}));
  EXPECT_EQ(pool.take(), no_cell);
  EXPECT_EQ(pool.used(), 5u);
}

TEST(CellPool, GivesBackTheLastFirst) {
  TestRegion memory({5, 1, 1});
  CellPool& pool = memory.region.pool;
  const Cell a = pool.take(), b = pool.take();
  pool.give(a);
  pool.give(b);
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(pool.take(), b);
  EXPECT_EQ(pool.take(), a);
}

TEST(CellPool, GivingNothingIsNothing) {
  TestRegion memory({5, 1, 1});
  memory.region.pool.give(no_cell);
  EXPECT_EQ(memory.region.pool.used(), 0u);
}

TEST(CellPool, OfNoCellsIsEmpty) {
  TestRegion memory({0, 1, 1});
  EXPECT_EQ(memory.region.pool.take(), no_cell);
}

TEST(CellPool, NoTwoThreadsGetTheSameCell) {
  constexpr uint32_t count = 64;
  TestRegion memory({count, 1, 1});
  CellPool& pool = memory.region.pool;
  std::array<std::atomic<int>, count + 1> owners{};
  std::atomic<int> collisions = 0;
  const auto work = [&] {
    std::vector<Cell> mine;
    for (int i = 0; i < 20'000; i++) {
      if (i % 3 != 2) {
        const Cell cell = pool.take();
        if (cell == no_cell) continue;
        collisions += owners[cell]++ != 0;
        mine.push_back(cell);
      } else if (!mine.empty()) {
        owners[mine.back()]--;
        pool.give(mine.back());
        mine.pop_back();
      }
    }
    for (const Cell cell : mine) {
      owners[cell]--;
      pool.give(cell);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(collisions, 0);
  EXPECT_EQ(pool.used(), 0u);
}

// ---- texts -----------------------------------------------------------------

class TextOfLength : public testing::TestWithParam<std::size_t> {
 protected:
  // No two places of it are alike, so that a part in the wrong place shows.
  static std::string text() {
    std::string text;
    for (std::size_t i = 0; i < GetParam(); i++) text += static_cast<char>('a' + i * 7 % 26);
    return text;
  }

  TestRegion memory{{40, 1, 1}};
  CellPool& pool = memory.region.pool;
};

TEST_P(TextOfLength, ComesBackAsItWas) {
  const auto cell = put_text(pool, text());
  ASSERT_TRUE(cell);
  std::string back(GetParam(), '#');
  EXPECT_EQ(text_bytes(pool, *cell), GetParam());
  EXPECT_EQ(get_text(pool, *cell, back.data()), GetParam());
  EXPECT_EQ(back, text());
}

TEST_P(TextOfLength, TakesAsManyCellsAsItNeedsAndGivesThemBack) {
  const auto cell = put_text(pool, text());
  EXPECT_EQ(pool.used(), (GetParam() + 119) / 120);
  free_text(pool, *cell);
  EXPECT_EQ(pool.used(), 0u);
}

TEST_P(TextOfLength, EqualsItselfAndNothingElse) {
  const auto cell = put_text(pool, text());
  EXPECT_TRUE(text_equals(pool, *cell, text()));
  EXPECT_FALSE(text_equals(pool, *cell, text() + "x"));
  if (GetParam() == 0) return;
  EXPECT_FALSE(text_equals(pool, *cell, text().substr(1)));
  for (const std::size_t place : {std::size_t{0}, GetParam() / 2, GetParam() - 1}) {
    std::string other = text();
    other[place]++;
    EXPECT_FALSE(text_equals(pool, *cell, other)) << place;
  }
}

TEST_P(TextOfLength, TakesNothingWhenThePoolHasOneTooFew) {
  const uint32_t needed = static_cast<uint32_t>((GetParam() + 119) / 120);
  TestRegion small({needed == 0 ? 0 : needed - 1, 1, 1});
  EXPECT_EQ(put_text(small.region.pool, text()).has_value(), needed == 0);
  EXPECT_EQ(small.region.pool.used(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Lengths, TextOfLength,
                         testing::Values(0, 1, 119, 120, 121, 239, 240, 241, 2000, 2048));

TEST(Texts, TheEmptyTextIsNoCell) {
  TestRegion memory({0, 1, 1});
  EXPECT_EQ(put_text(memory.region.pool, ""), std::optional<Cell>(no_cell));
  free_text(memory.region.pool, no_cell);
  EXPECT_EQ(text_bytes(memory.region.pool, no_cell), 0u);
}

TEST(Texts, ZerosAreBytesLikeAnyOther) {
  TestRegion memory({4, 1, 1});
  const std::string text("a\0b", 3);
  const auto cell = put_text(memory.region.pool, text);
  EXPECT_TRUE(text_equals(memory.region.pool, *cell, text));
  EXPECT_FALSE(text_equals(memory.region.pool, *cell, std::string_view("a\0c", 3)));
}

// ---- one text in the place of another --------------------------------------

struct Replacement {
  std::size_t from, to;
};

class TextReplaced : public testing::TestWithParam<Replacement> {
 protected:
  static uint32_t cells(std::size_t bytes) { return static_cast<uint32_t>((bytes + 119) / 120); }
};

TEST_P(TextReplaced, IsTheOtherOne) {
  const auto [from, to] = GetParam();
  TestRegion memory({20, 1, 1});
  CellPool& pool = memory.region.pool;
  Cell text = *put_text(pool, text_of(from, 'a'));
  ASSERT_TRUE(replace_text(pool, text, text_of(to, 'b')));
  EXPECT_TRUE(text_equals(pool, text, text_of(to, 'b')));
  EXPECT_EQ(text_bytes(pool, text), to);
  EXPECT_EQ(pool.used(), cells(to));
  free_text(pool, text);
  EXPECT_EQ(pool.used(), 0u);
}

TEST_P(TextReplaced, StaysWhenThereIsNoRoom) {
  const auto [from, to] = GetParam();
  TestRegion memory({cells(from), 1, 1});
  CellPool& pool = memory.region.pool;
  Cell text = *put_text(pool, text_of(from, 'a'));
  // As many cells are used again; fewer are taken before the others are given back.
  const bool fits = cells(from) == cells(to) || to == 0;
  EXPECT_EQ(replace_text(pool, text, text_of(to, 'b')), fits);
  EXPECT_TRUE(text_equals(pool, text, fits ? text_of(to, 'b') : text_of(from, 'a')));
}

INSTANTIATE_TEST_SUITE_P(Lengths, TextReplaced,
                         testing::Values(Replacement{0, 0}, Replacement{0, 1}, Replacement{1, 0},
                                         Replacement{1, 120}, Replacement{120, 1},
                                         Replacement{120, 121}, Replacement{121, 120},
                                         Replacement{121, 240}, Replacement{240, 121},
                                         Replacement{500, 400}, Replacement{400, 600}));

}  // namespace
}  // namespace presence::test
