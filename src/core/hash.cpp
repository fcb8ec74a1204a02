// hash.cpp: SipHash-1-3 over a realm and an id.
#include "hash.h"

#include <bit>
#include <cstring>

namespace presence {

namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;

  explicit SipState(HashSeed seed)
      : v0(seed.k0 ^ 0x736f6d6570736575ULL),
        v1(seed.k1 ^ 0x646f72616e646f6dULL),
        v2(seed.k0 ^ 0x6c7967656e657261ULL),
        v3(seed.k1 ^ 0x7465646279746573ULL) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }

  uint64_t finish() {
    v2 ^= 0xff;
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

uint64_t hash_key(HashSeed seed, uint32_t realm, std::string_view id) {
  SipState state(seed);
  state.absorb(realm);

  const char* at = id.data();
  size_t left = id.size();
  uint64_t word;
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    std::memcpy(&word, at, sizeof word);
    state.absorb(word);
  }
  word = static_cast<uint64_t>(id.size()) << 56;
  if (left > 0) {
    uint64_t rest = 0;
    std::memcpy(&rest, at, left);
    word |= rest;
  }
  state.absorb(word);
  return state.finish();
}

}  // namespace presence
