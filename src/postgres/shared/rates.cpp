// rates.cpp: counting without a lock.
#include "postgres/shared/rates.h"

#include "postgres/shared/state.h"

namespace presence {

namespace {

// A slot is the user's tag, the second and the count.
constexpr uint32_t count_bits = 16;
constexpr uint32_t second_bits = 20;
constexpr uint64_t count_mask = (uint64_t{1} << count_bits) - 1;
constexpr uint64_t second_mask = (uint64_t{1} << second_bits) - 1;

uint64_t tag_of(uint64_t slot) { return slot >> (count_bits + second_bits); }
uint64_t second_of(uint64_t slot) { return (slot >> count_bits) & second_mask; }
uint64_t make_slot(uint64_t tag, uint64_t second) {
  return (tag << second_bits | second) << count_bits;
}

}  // namespace

bool count_call(uint64_t user_hash, Time now, uint32_t most) {
  const uint64_t second_now = static_cast<uint64_t>(now / second) & second_mask;
  const uint64_t tag = user_hash >> (count_bits + second_bits);
  auto& set = shared.rates->slots[user_hash % RateTable::sets];
  for (;;) {
    std::atomic<uint64_t>* place = &set[0];
    for (auto& slot : set) {
      const uint64_t there = slot.load(std::memory_order_relaxed);
      if (tag_of(there) == tag && second_of(there) == second_now) {
        place = &slot;
        break;
      }
      // Modulo 2^20 seconds: what lies furthest back.
      const auto age = [&](uint64_t value) {
        return (second_now - second_of(value)) & second_mask;
      };
      if (age(there) > age(place->load(std::memory_order_relaxed))) place = &slot;
    }
    uint64_t before = place->load(std::memory_order_relaxed);
    const bool is_own = tag_of(before) == tag && second_of(before) == second_now;
    const uint64_t count = is_own ? before & count_mask : 0;
    if (count >= most) return false;
    const uint64_t after = make_slot(tag, second_now) | (count + 1);
    if (place->compare_exchange_weak(before, after, std::memory_order_relaxed)) return true;
  }
}

}  // namespace presence
