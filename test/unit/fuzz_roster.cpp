// fuzz_roster.cpp: the player with a fuzzer's bytes.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "player.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string mismatch = presence::test::play({data, size});
  if (mismatch.empty()) return 0;
  std::fputs(mismatch.c_str(), stderr);
  std::abort();
}
