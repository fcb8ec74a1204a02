// core_paths.cpp: the operations of a crowd for callgrind, which counts the instructions of each
// alone and writes them to a file of its own:
//
//   valgrind --tool=callgrind --instr-atstart=no bench_core_paths
//
// Prints what has compiled it, since the counts hang on that, and the operations with how often
// each was done.
#include <gnu/libc-version.h>
#include <valgrind/callgrind.h>

#include <cstdio>

#include "crowd.h"

namespace presence {
namespace {

constexpr std::size_t users = 10'000;
constexpr int times = 4000;  // of each; no more than may change before they are taken back

#if defined(__clang__)
constexpr const char* compiler = "clang";
constexpr int version[] = {__clang_major__, __clang_minor__, __clang_patchlevel__};
#else
constexpr const char* compiler = "gcc";
constexpr int version[] = {__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__};
#endif

template <auto operation>
void count(Crowd& crowd, const char* name) {
  CALLGRIND_START_INSTRUMENTATION;
  for (int i = 0; i < times; i++) (crowd.*operation)();
  CALLGRIND_STOP_INSTRUMENTATION;
  CALLGRIND_DUMP_STATS_AT(name);
  std::printf("%s %d\n", name, times);
  crowd.restore();
}

void count_all() {
  std::printf("%s %d.%d.%d, glibc %s\n", compiler, version[0], version[1], version[2],
              gnu_get_libc_version());
  Crowd crowd(users);
  count<&Crowd::touch>(crowd, "touch");
  count<&Crowd::status>(crowd, "status");
  count<&Crowd::view>(crowd, "view");
  count<&Crowd::newest_hundred>(crowd, "newest_hundred");
  count<&Crowd::count>(crowd, "count");
  count<&Crowd::settle>(crowd, "nothing_is_due");
  count<&Crowd::set_status>(crowd, "set_status");
  count<&Crowd::join>(crowd, "join");
}

}  // namespace
}  // namespace presence

int main() { presence::count_all(); }
