// random_play_test.cpp: the player on dice that fall the same way each time.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "player.h"

namespace presence::test {
namespace {

// More of them, or others: PRESENCE_GAMES=100000 PRESENCE_FIRST_GAME=5000.
uint32_t from_environment(const char* name, uint32_t otherwise) {
  const char* value = std::getenv(name);
  return value ? static_cast<uint32_t>(std::strtoul(value, nullptr, 10)) : otherwise;
}

TEST(RandomPlay, TheRosterAnswersAsTheNaiveModelDoes) {
  const uint32_t first = from_environment("PRESENCE_FIRST_GAME", 0);
  const uint32_t games = from_environment("PRESENCE_GAMES", 600);
  for (uint32_t game = first; game < first + games; game++) {
    std::mt19937 random(game);
    std::vector<uint8_t> bytes(50 + random() % 500);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const std::string mismatch = play(bytes);
    if (!mismatch.empty()) FAIL() << "game " << game << "\n" << mismatch;
  }
}

}  // namespace
}  // namespace presence::test
