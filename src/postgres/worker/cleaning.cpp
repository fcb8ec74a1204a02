// cleaning.cpp: portions and pauses.
#include "postgres/worker/cleaning.h"

#include <algorithm>

#include "postgres/clock.h"
#include "postgres/worker/attempt.h"
#include "postgres/worker/batches.h"

extern "C" {
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

constexpr Duration longest_pause = 60 * minute;
constexpr Duration longest_pause_between_rows = minute;

uint64_t cleanings_wanted(const RealmControl& control) {
  return control.loads_done.load() > 0 ? 1 + control.restores.load() : 0;
}

bool is_under_way(const Cleaning& cleaning) {
  return cleaning.place.table != CleaningPlace::Table::none;
}

void begin(Cleaning& cleaning, uint64_t wanted) {
  if (cleaning.begun != wanted) cleaning.pause = Cleaning::first_pause;
  cleaning.begun = wanted;
  cleaning.place = {CleaningPlace::Table::sessions, false, 0, {}, {}};
  cleaning.most = batch_rows;
  cleaning.stepped_over = 0;
  cleaning.next = 0;
  cleaning.retry = never;
}

void end(Cleaning& cleaning) {
  if (!cleaning.place.left_some) return;
  cleaning.retry = current_time() + cleaning.pause;
  cleaning.pause = std::min(2 * cleaning.pause, longest_pause);
}

Duration pause_after(int rows_stepped_over) {
  constexpr int most_doublings = 20;
  return std::min(pause_after_failure() << std::min(rows_stepped_over, most_doublings),
                  longest_pause_between_rows);
}

// `reached` is how far the portion came that failed.
void make_smaller_or_step_over(Cleaning& cleaning, const CleaningPlace& reached) {
  cleaning.next = current_time() + pause_after(cleaning.stepped_over);
  // A table that a trigger or a foreign key needs is locked: it is not about one row.
  if (last_error() == ERRCODE_LOCK_NOT_AVAILABLE || !is_further(reached, cleaning.place)) {
    leave_table(cleaning.place);
  } else if (reached.tried > 1) {
    cleaning.most = reached.tried / 2;
  } else {
    cleaning.place = reached;
    cleaning.place.left_some = true;
    cleaning.stepped_over++;
  }
}

}  // namespace

Time next_of(const Cleaning& cleaning, const RealmRef& realm) {
  if (!realm.complete()) return never;
  if (cleaning.begun != cleanings_wanted(realm.control())) return 0;
  return is_under_way(cleaning) ? cleaning.next : cleaning.retry;
}

void clean_rows(const RealmRef& realm, Cleaning& cleaning, Time now) {
  if (now < next_of(cleaning, realm)) return;
  const uint64_t wanted = cleanings_wanted(realm.control());
  if (!is_under_way(cleaning) || cleaning.begun != wanted) begin(cleaning, wanted);
  struct Portion {
    const RealmRef& realm;
    CleaningPlace place;
    int most;
  } portion{realm, cleaning.place, cleaning.most};
  const bool done = attempt(
      "delete the rows of lost sessions and members", "See presence_info().",
      [](void* context) {
        auto& work = *static_cast<Portion*>(context);
        PushActiveSnapshot(GetTransactionSnapshot());
        clean_some_rows(work.realm, work.most, work.place);
        PopActiveSnapshot();
      },
      &portion);
  if (done) {
    cleaning.place = portion.place;
    cleaning.most = std::min(2 * cleaning.most, batch_rows);
    if (portion.place.tried > 0) cleaning.stepped_over = 0;
  } else {
    make_smaller_or_step_over(cleaning, portion.place);
  }
  if (!is_under_way(cleaning)) end(cleaning);
}

}  // namespace presence
