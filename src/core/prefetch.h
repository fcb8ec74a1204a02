// prefetch.h: asks memory for what is needed soon.
#pragma once

namespace presence {

// The empty assembler keeps g++ from taking a function that only prefetches for one that does
// nothing, and leaving out its calls.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  asm volatile("");
}
// The same of what will be written.
inline void prefetch_to_write(const void* address) {
  __builtin_prefetch(address, 1);
  asm volatile("");
}

}  // namespace presence
