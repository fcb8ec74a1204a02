// roster_bench.cpp: how long the core alone takes, by the number of users.
//
//   cmake -S . -B build/bench -DPRESENCE_BENCH=ON
//   cmake --build build/bench --target presence_bench && build/bench/presence_bench
#include <benchmark/benchmark.h>

#include <map>

#include "crowd.h"

namespace presence {
namespace {

// Each leaves the crowd as it was: one of each size is enough, and a million take a while to come.
Crowd& crowd_for(const benchmark::State& state) {
  static std::map<int64_t, Crowd> crowds;
  return crowds.try_emplace(state.range(0), static_cast<std::size_t>(state.range(0))).first->second;
}

template <auto operation>
void measure(benchmark::State& state) {
  Crowd& crowd = crowd_for(state);
  for (auto _ : state) benchmark::DoNotOptimize((crowd.*operation)());
}

// What changes users is taken back from time to time, while the clock stands.
template <auto change>
void measure_changes(benchmark::State& state) {
  Crowd& crowd = crowd_for(state);
  std::size_t changes = 0;
  for (auto _ : state) {
    if (changes++ == crowd.most_changes()) {
      state.PauseTiming();
      crowd.restore();
      changes = 1;
      state.ResumeTiming();
    }
    (crowd.*change)();
  }
  crowd.restore();
}

void by_users(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1000)->Arg(100'000)->Arg(1'000'000);
}

BENCHMARK(measure<&Crowd::touch>)->Name("touch")->Apply(by_users);
BENCHMARK(measure<&Crowd::status>)->Name("status")->Apply(by_users);
BENCHMARK(measure<&Crowd::view>)->Name("view")->Apply(by_users);
BENCHMARK(measure<&Crowd::newest_hundred>)->Name("newest_hundred")->Apply(by_users);
BENCHMARK(measure<&Crowd::count>)->Name("count")->Apply(by_users);
BENCHMARK(measure<&Crowd::settle>)->Name("nothing_is_due")->Apply(by_users);
BENCHMARK(measure_changes<&Crowd::set_status>)->Name("set_status")->Apply(by_users);
BENCHMARK(measure_changes<&Crowd::join>)->Name("join")->Apply(by_users);

}  // namespace
}  // namespace presence
