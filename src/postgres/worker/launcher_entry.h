// launcher_entry.h: a database as the launcher's table knows it, and how its state changes.
//
//   none     -- a scan finds the database ----> unknown
//   unknown  -- the launcher registers --------> starting
//   starting -- the worker claims -------------> probing
//               held by then ------------------> unknown
//               never came up -----------------> waiting
//   probing  -- it finds the extension --------> running
//               it finds none -----------------> absent; unknown when somebody asked meanwhile
//               it dies -----------------------> waiting
//   running  -- the extension is dropped ------> absent; unknown when somebody asked meanwhile
//               it leaves for a hold ----------> unknown
//               it dies -----------------------> waiting
//   waiting  -- the back-off is over ----------> starting
//   absent   -- somebody asks -----------------> unknown
//   any      -- a scan misses the database ----> none, once no worker is there
//
// Entries lie in shared memory, and the table's lock guards them (launcher_table.h): only
// launcher_table.cpp calls what is here, with that lock held.
#pragma once

#include <chrono>
#include <cstdint>

#include "postgres/boundary.h"

namespace presence {

// Of a clock that nobody can set, the same in all processes.
using Moment = std::chrono::steady_clock::time_point;

enum class DatabaseState : uint8_t { none, unknown, starting, probing, running, waiting, absent };

struct DatabaseEntry {
  Oid database;
  DatabaseState state;
  bool wanted;       // the last scan found a database that may have a worker
  bool stop;         // its worker was asked to leave
  bool asked_again;  // somebody asked after the worker had begun to look
  int worker_pid;    // 0: none
  Latch* worker_latch;
  Moment since;                       // when the state became starting, or when the worker claimed
  Moment next_start;                  // of waiting
  std::chrono::milliseconds backoff;  // 0: none yet
};

// When it may be started, as far as it alone is concerned. {}: at once. Moment::max(): never.
Moment may_start_at(const DatabaseEntry& entry);

// Until when a start that is under way holds up others. {}: none is.
Moment holds_up_until(const DatabaseEntry& entry);

void begin_start(DatabaseEntry& entry, Moment now);

// The start does not come about: it is due again. Nothing when none is under way.
void cancel_start(DatabaseEntry& entry);

// This process is the worker.
void claim(DatabaseEntry& entry, Moment now);

// The worker found no extension, or it was dropped.
void become_absent(DatabaseEntry& entry);

// The worker is gone.
void leave(DatabaseEntry& entry, Moment now);

// The worker died or never came up.
void back_off(DatabaseEntry& entry, Moment now);

// Somebody wants it looked into, even if it had no extension.
void ask_again(DatabaseEntry& entry);

void ask_to_stop(DatabaseEntry& entry);

// Frees an entry that the last scan did not want, unless a worker is there or on its way.
void free_if_unwanted(DatabaseEntry& entry);

}  // namespace presence
