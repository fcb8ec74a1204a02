// launcher_entry.cpp: the edges of launcher_entry.h, each of one entry alone.
//
// Lock: "presence_launcher", held by the caller, exclusive for what changes an entry. So nothing
// here can raise an error or takes another lock.
#include "postgres/worker/launcher_entry.h"

#include <algorithm>

extern "C" {
#include "storage/latch.h"
}

namespace presence {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_backoff{1'000};
constexpr milliseconds longest_backoff{60'000};
constexpr milliseconds well_after{60'000};      // from then on the next back-off is the first again
constexpr milliseconds probe_patience{10'000};  // a start that takes longer holds up no others

}  // namespace

Moment may_start_at(const DatabaseEntry& entry) {
  if (!entry.wanted || entry.worker_pid != 0) return Moment::max();
  if (entry.state == DatabaseState::unknown) return {};
  if (entry.state == DatabaseState::waiting) return entry.next_start;
  return Moment::max();
}

Moment holds_up_until(const DatabaseEntry& entry) {
  const bool under_way =
      entry.state == DatabaseState::starting || entry.state == DatabaseState::probing;
  return under_way ? entry.since + probe_patience : Moment{};
}

void begin_start(DatabaseEntry& entry, Moment now) {
  entry.state = DatabaseState::starting;
  entry.since = now;
}

void cancel_start(DatabaseEntry& entry) {
  if (entry.state == DatabaseState::starting) entry.state = DatabaseState::unknown;
}

void claim(DatabaseEntry& entry, Moment now) {
  entry.state = DatabaseState::probing;
  entry.stop = false;
  entry.asked_again = false;
  entry.worker_pid = MyProcPid;
  entry.worker_latch = MyLatch;
  entry.since = now;
}

void become_absent(DatabaseEntry& entry) {
  entry.state = entry.asked_again ? DatabaseState::unknown : DatabaseState::absent;
  entry.backoff = milliseconds::zero();
}

void leave(DatabaseEntry& entry, Moment now) {
  entry.worker_pid = 0;
  entry.worker_latch = nullptr;
  if (entry.state == DatabaseState::absent || entry.state == DatabaseState::unknown) return;
  if (entry.stop)
    entry.state = DatabaseState::unknown;
  else
    back_off(entry, now);
}

void back_off(DatabaseEntry& entry, Moment now) {
  const bool ran_well = entry.state == DatabaseState::running && now - entry.since >= well_after;
  entry.backoff = ran_well || entry.backoff == milliseconds::zero()
                      ? first_backoff
                      : std::min(2 * entry.backoff, longest_backoff);
  entry.next_start = now + entry.backoff;
  entry.state = DatabaseState::waiting;
}

void ask_again(DatabaseEntry& entry) {
  entry.asked_again = true;
  if (entry.state == DatabaseState::absent) entry.state = DatabaseState::unknown;
}

void ask_to_stop(DatabaseEntry& entry) {
  if (entry.worker_pid == 0) return;
  entry.stop = true;
  SetLatch(entry.worker_latch);
}

void free_if_unwanted(DatabaseEntry& entry) {
  if (entry.wanted || entry.worker_pid != 0 || entry.state == DatabaseState::starting) return;
  entry.state = DatabaseState::none;
}

}  // namespace presence
