// index_test.cpp: users by their key, and ids of every length.
#include <gtest/gtest.h>

#include <map>
#include <new>
#include <random>

#include "support.h"

namespace presence::test {
namespace {

// ---- ids -------------------------------------------------------------------

class IdOfLength : public testing::TestWithParam<std::size_t> {
 protected:
  IdOfLength() : user(*new (&pool.at<User>(pool.take())) User{}) {}

  static std::string id() {
    std::string id;
    for (std::size_t i = 0; i < GetParam(); i++) id += static_cast<char>('a' + i * 11 % 26);
    return id;
  }

  TestRegion memory{{4, 1, 1}};
  CellPool& pool = memory.region.pool;
  User& user;
};

TEST_P(IdOfLength, ComesBackAsItWas) {
  ASSERT_TRUE(set_id(pool, user, id()));
  std::string back(max_id_bytes, '#');
  back.resize(get_id(pool, user, back.data()));
  EXPECT_EQ(back, id());
}

TEST_P(IdOfLength, EqualsItselfAndNothingElse) {
  ASSERT_TRUE(set_id(pool, user, id()));
  EXPECT_TRUE(id_equals(pool, user, id()));
  EXPECT_FALSE(id_equals(pool, user, id() + "x"));
  EXPECT_FALSE(id_equals(pool, user, id().substr(1)));
  for (std::size_t i = 0; i < GetParam(); i++) {
    std::string other = id();
    other[i]++;
    EXPECT_FALSE(id_equals(pool, user, other)) << i;
  }
}

TEST_P(IdOfLength, IsInlineUpToThirtySixBytesAndFreesTheRest) {
  ASSERT_TRUE(set_id(pool, user, id()));
  EXPECT_EQ(pool.used(), GetParam() <= 36 ? 1u : 2u);
  free_id(pool, user);
  EXPECT_EQ(pool.used(), 1u);
  EXPECT_FALSE(id_equals(pool, user, id()));
}

TEST_P(IdOfLength, FailsOnlyWhenItNeedsACellAndThereIsNone) {
  while (pool.take() != no_cell) {
  }
  EXPECT_EQ(set_id(pool, user, id()), GetParam() <= 36);
  EXPECT_EQ(pool.used(), 4u);
}

INSTANTIATE_TEST_SUITE_P(Lengths, IdOfLength, testing::Values(1, 31, 32, 33, 35, 36, 37, 127, 128));

// ---- the index -------------------------------------------------------------

// One bucket a partition: everybody of a partition is in one chain.
class CrowdedIndex : public testing::Test {
 protected:
  Cell add(const UserKey& key) {
    const Cell cell = pool.take();
    User& user = *new (&pool.at<User>(cell)) User{};
    EXPECT_TRUE(set_id(pool, user, key.id));
    user.realm = key.realm;
    index.insert(pool, key.hash, cell);
    return cell;
  }
  UserKey key(const std::string& id, uint16_t realm = 0) { return memory.region.key(realm, id); }

  TestRegion memory{{2000, 2, 1}};
  CellPool& pool = memory.region.pool;
  Index<User>& index = memory.region.index;
};

TEST_F(CrowdedIndex, FindsNobodyAtFirst) { EXPECT_EQ(index.find(pool, key("anybody")), no_cell); }

TEST_F(CrowdedIndex, TellsRealmsApart) {
  const std::string id = "same";
  const Cell in_first = add(key(id, 0));
  EXPECT_EQ(index.find(pool, key(id, 1)), no_cell);
  const Cell in_second = add(key(id, 1));
  EXPECT_EQ(index.find(pool, key(id, 0)), in_first);
  EXPECT_EQ(index.find(pool, key(id, 1)), in_second);
}

TEST_F(CrowdedIndex, TellsUsersOfTheSameHashApart) {
  // Given two ids and a realm that are said to have the same hash.
  const UserKey a{0, 42, "a"}, b{0, 42, "b"}, elsewhere{1, 42, "a"};
  const Cell cell_a = add(a), cell_b = add(b);
  EXPECT_EQ(index.find(pool, a), cell_a);
  EXPECT_EQ(index.find(pool, b), cell_b);
  EXPECT_EQ(index.find(pool, elsewhere), no_cell);
}

TEST_F(CrowdedIndex, RemovesFromTheFrontTheMiddleAndTheEnd) {
  for (const int gone : {0, 1, 2}) {
    std::array<UserKey, 3> keys = {UserKey{0, 7, "a"}, UserKey{0, 7, "b"}, UserKey{0, 7, "c"}};
    std::array<Cell, 3> cells;
    for (std::size_t i = 0; i < 3; i++) cells[i] = add(keys[i]);
    index.remove(pool, 7, cells[static_cast<std::size_t>(gone)]);
    for (int i = 0; i < 3; i++) {
      const auto place = static_cast<std::size_t>(i);
      EXPECT_EQ(index.find(pool, keys[place]), i == gone ? no_cell : cells[place]);
      if (i != gone) index.remove(pool, 7, cells[place]);
    }
  }
}

TEST_F(CrowdedIndex, AgreesWithAMapWhateverComesAndGoes) {
  std::mt19937 random(1);
  std::map<std::string, Cell> there;
  for (int step = 0; step < 5000; step++) {
    const std::string id = text_of(1 + random() % 3 * 36, static_cast<char>('a' + random() % 20));
    const auto found = there.find(id);
    ASSERT_EQ(index.find(pool, key(id)), found == there.end() ? no_cell : found->second);
    if (found == there.end()) {
      there[id] = add(key(id));
    } else if (random() % 2 == 0) {
      index.remove(pool, key(id).hash, found->second);
      free_id(pool, pool.at<User>(found->second));
      pool.give(found->second);
      there.erase(found);
    }
  }
}

}  // namespace
}  // namespace presence::test
