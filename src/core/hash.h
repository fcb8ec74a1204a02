// hash.h: the hash of a key, SipHash-1-3.
//
// User ids come from outside and share the index of a whole cluster. A keyed
// hash keeps somebody who chooses ids from piling them into one chain.
// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
#pragma once

#include <cstdint>
#include <string_view>

namespace presence {

struct HashSeed {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

// `realm` keeps the same id in two databases apart.
uint64_t hash_key(HashSeed seed, uint32_t realm, std::string_view id);

}  // namespace presence
