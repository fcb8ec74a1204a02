// batches.h: the rows that the worker writes, kind by kind, batch by batch.
//
// A row that cannot be written may not hold up others. Rows that somebody has locked are held, and
// tried again after a while, before others, but in a batch of its own size. A batch that fails is
// held as a whole, and the next one is half as large, so that a row that no trigger lets through is
// alone in its batch after a while; each batch that is written lets the next be twice as large.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// What there is to tell waits for a batch: some milliseconds, at 20 us a row.
constexpr int batch_rows = 250;

// What has become of a batch.
enum class Outcome {
  written,  // all of it
  held,     // all but rows that somebody has locked
  failed,   // nothing of it, and all of it is held
  blocked   // nothing was taken: the table is locked, or nothing can be written
};

struct KindOfRows {
  bool (*wait)(const RealmRef&);  // some do
  Outcome (*write)(const RealmRef&, int most);
  void (*try_again)(const RealmRef&);  // those that are held wait again
  int most = batch_rows;
  int most_again = batch_rows;  // of the batch after try_again()
  Time next = 0;                // not before
  Time retry = never;           // when those that are held are tried again
  bool is_behind = false;       // some could not be written when they were tried last
};

// False: there are none that could be written now.
bool write_batch(const RealmRef& realm, KindOfRows& kind, Time now);

// When it may be tried again without anybody asking for it.
Time next_of(const KindOfRows& kind, Time now);

// How long to wait after the last attempt failed.
Duration pause_after_failure();

// What is held or blocked is tried next.
void try_at_once(KindOfRows& kind);

}  // namespace presence
