// roster_bench.cpp: what the core alone costs, by the number of users.
//
//   cmake -S . -B build/bench -DPRESENCE_BENCH=ON && cmake --build build/bench --target
//   presence_bench build/bench/presence_bench
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "core/roster.h"

namespace presence {
namespace {

constexpr Policy policy;
constexpr Time start = 800000000 * second;

constexpr IndexLocks no_lock = {[](uint32_t) {}, [](uint32_t) {}, [](uint32_t) {}};
constexpr Region::Locks no_locks = {no_lock, no_lock};

// A region with `users` users online, each touched once, a microsecond apart.
class Crowd {
 public:
  explicit Crowd(int64_t users) : users_(users) {
    const std::size_t bytes = static_cast<std::size_t>(users) * 400 + (16 << 20);
    memory_ = std::make_unique<RawCell[]>(bytes / cell_bytes);
    region.create(memory_.get(), plan_region(bytes), {1, 2}, no_locks);
    for (int64_t i = 0; i < users; i++) {
      const std::string id = id_of(i);
      const Cell cell = roster.add(region.key(0, id));
      roster.touch(cell, {}, policy, start + i);
    }
    now = start + users;
  }

  std::string id_of(int64_t i) const { return "user-" + std::to_string(i % users_); }

  Region region;
  Roster roster{region};
  Time now = start;

 private:
  int64_t users_;
  std::unique_ptr<RawCell[]> memory_;
};

void touch(benchmark::State& state) {
  Crowd crowd(state.range(0));
  int64_t i = 0;
  for (auto _ : state) {
    i += 7919;
    const std::string id = crowd.id_of(i);
    const Cell cell = crowd.roster.find(crowd.region.key(0, id));
    benchmark::DoNotOptimize(crowd.roster.touch(cell, {}, policy, ++crowd.now));
  }
}
BENCHMARK(touch)->Arg(1000)->Arg(100000)->Arg(1000000);

void status(benchmark::State& state) {
  Crowd crowd(state.range(0));
  int64_t i = 0;
  for (auto _ : state) {
    i += 7919;
    const std::string id = crowd.id_of(i);
    const Cell cell = crowd.roster.find(crowd.region.key(0, id));
    benchmark::DoNotOptimize(crowd.roster.status_at(cell, {}, policy, crowd.now));
  }
}
BENCHMARK(status)->Arg(1000)->Arg(1000000);

void newest_hundred(benchmark::State& state) {
  Crowd crowd(state.range(0));
  std::vector<Time> best(100);
  std::vector<Candidate> candidates(200);
  for (auto _ : state) {
    Cutoff cutoff;
    cutoff.best = best;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      crowd.roster.find_cutoff(0, partition, Status::online, cutoff);
    for (uint32_t partition = 0; partition < partition_count; partition++)
      benchmark::DoNotOptimize(
          crowd.roster.collect(0, partition, Status::online, best[0], candidates));
  }
}
BENCHMARK(newest_hundred)->Arg(1000)->Arg(1000000);

void nothing_is_due(benchmark::State& state) {
  Crowd crowd(state.range(0));
  for (auto _ : state)
    for (uint32_t partition = 0; partition < partition_count; partition++)
      benchmark::DoNotOptimize(crowd.roster.settle(0, partition, policy, crowd.now, 256));
}
BENCHMARK(nothing_is_due)->Arg(1000)->Arg(1000000);

}  // namespace
}  // namespace presence
