// backoff.cpp: exponential, with jitter over the upper half.
#include "backoff.h"

#include <algorithm>
#include <random>

namespace tail {
namespace {

constexpr int first_ms = 250;
constexpr int most_doublings = 6;  // 16 s

}  // namespace

std::chrono::milliseconds Backoff::next() {
  static std::minstd_rand random{std::random_device()()};
  const int longest = first_ms << std::min(attempts_, most_doublings);
  ++attempts_;
  return std::chrono::milliseconds(std::uniform_int_distribution(longest / 2, longest)(random));
}

void Backoff::reset() { attempts_ = 0; }

}  // namespace tail
