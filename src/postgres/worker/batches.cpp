// batches.cpp: how large a batch is, and when rows are tried again.
#include "postgres/worker/batches.h"

#include <algorithm>

#include "postgres/worker/attempt.h"

namespace presence {

namespace {

constexpr Duration locked_rows_wait = second;
constexpr Duration failed_rows_wait = 100 * millisecond;

void hold(KindOfRows& kind, Time now) {
  kind.is_behind = true;
  kind.retry = std::min(kind.retry, now + locked_rows_wait);
}

}  // namespace

// While a batch waits for a lock in vain nothing is told: not as often.
Duration pause_after_failure() {
  return last_error() == ERRCODE_LOCK_NOT_AVAILABLE ? locked_rows_wait : failed_rows_wait;
}

bool write_batch(const RealmRef& realm, KindOfRows& kind, Time now) {
  if (now < kind.next) return false;
  const bool again = now >= kind.retry;
  if (again) {
    kind.retry = never;
    kind.try_again(realm);
  }
  if (!kind.wait(realm)) {
    kind.is_behind = kind.retry != never;
    return false;
  }
  int& most = again ? kind.most_again : kind.most;
  switch (kind.write(realm, most)) {
    case Outcome::written:
      most = std::min(2 * most, batch_rows);
      kind.is_behind = kind.retry != never;
      return true;
    case Outcome::held:
      hold(kind, now);
      return true;
    case Outcome::failed:
      hold(kind, now);
      most = std::max(most / 2, 1);
      kind.next = now + pause_after_failure();
      return false;
    case Outcome::blocked:
      kind.is_behind = true;
      kind.next = now + locked_rows_wait;
      return false;
  }
  return false;
}

Time next_of(const KindOfRows& kind, Time now) {
  const Time retry = kind.retry == never ? never : std::max(kind.retry, kind.next);
  return kind.next > now ? std::min(kind.next, retry) : retry;
}

void try_at_once(KindOfRows& kind) {
  kind.next = 0;
  if (kind.retry != never) kind.retry = 0;
}

}  // namespace presence
