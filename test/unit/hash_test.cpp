// hash_test.cpp: the hash of a key.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/hash.h"

namespace presence {
namespace {

constexpr HashSeed seed{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(Hash, IsTheSameEachTime) { EXPECT_EQ(hash_key(seed, 7, "user"), hash_key(seed, 7, "user")); }

TEST(Hash, DependsOnTheSeedTheRealmAndEachByte) {
  const std::string id = "0123456789abcdef0123456789abcde";
  std::set<uint64_t> seen = {hash_key(seed, 7, id), hash_key({seed.k0 + 1, seed.k1}, 7, id),
                             hash_key({seed.k0, seed.k1 + 1}, 7, id), hash_key(seed, 8, id)};
  EXPECT_EQ(seen.size(), 4u);
  for (std::size_t i = 0; i < id.size(); i++) {
    std::string other = id;
    other[i]++;
    EXPECT_TRUE(seen.insert(hash_key(seed, 7, other)).second) << i;
  }
}

TEST(Hash, TellsLengthsApart) {
  std::set<uint64_t> seen;
  for (std::size_t length = 0; length <= 128; length++)
    EXPECT_TRUE(seen.insert(hash_key(seed, 0, std::string(length, '\0'))).second) << length;
}

TEST(Hash, SpreadsNumbersOverThePartitions) {
  int in_partition[16] = {};
  for (int i = 0; i < 16'000; i++) in_partition[hash_key(seed, 0, std::to_string(i)) % 16]++;
  for (const int count : in_partition) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace presence
