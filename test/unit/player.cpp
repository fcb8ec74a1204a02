// player.cpp: plays a game to its end.
#include "player.h"

#include "game.h"

namespace presence::test {

namespace {

std::string play(std::span<const uint8_t> bytes, bool keeps_log) {
  Game game(bytes, keeps_log);
  std::string what;
  try {
    while (!game.is_over()) {
      game.step();
      game.compare_all();
    }
    game.come_to_rest();
    return {};
  } catch (const Mismatch& mismatch) {
    what = mismatch.what;
  } catch (const std::exception& error) {
    what = std::string("THROWN: ") + error.what();
  }
  return what + "\n" + game.log() + game.dump();
}

}  // namespace

// The log costs more than the game, so it is kept only of a game that is known to fail.
std::string play(std::span<const uint8_t> bytes) {
  return play(bytes, false).empty() ? std::string{} : play(bytes, true);
}

}  // namespace presence::test
