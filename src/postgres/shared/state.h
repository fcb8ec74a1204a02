// state.h: our shared memory as a process sees it.
//
// Seven kinds of locks, taken in this order: the launcher's (launcher_table.h), `realms`, one of
// `partitions`, one of `sessions`, of `channels` or of `viewers` (inside the core, which gets
// index_locks), `events`. Only the files of this folder take them. They hold one for a call of the
// core and nothing else: nothing that can raise an error is reachable from here, which
// scripts/check proves.
#pragma once

#include <atomic>

#include "core/event_json.h"
#include "core/events.h"
#include "core/roster.h"
#include "postgres/boundary.h"

extern "C" {
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
}

namespace presence {

// What the worker of a realm and everybody else tell each other.
struct RealmControl {
  Stream stream;                     // events lock; written by the worker alone
  EventMarks marks;                  // the same
  ConditionVariable told;            // of those who wait for events
  std::atomic<uint32_t> snapshots;   // that are being taken just now
  std::atomic<uint64_t> announcing;  // odd while the worker makes events of what has changed
  std::atomic<uint32_t> quiet;       // long snapshots that want none to be made meanwhile
  std::atomic<int> worker;           // its number among the processes, -1: none
  std::atomic<bool> awake;           // it has been woken and has not begun its round yet
  std::atomic<bool> look_for_extension;
  std::atomic<bool> flush;   // write the dirty rows now: memory is full
  std::atomic<bool> resync;  // tell listeners to take a new snapshot
  // Loads of all rows that are not offline: one at the start, one more after each import.
  std::atomic<uint64_t> loads_wanted;
  std::atomic<uint64_t> loads_done;
  // Restores of the rows of sessions and members, which nobody may have in memory.
  std::atomic<uint64_t> restores;
  std::atomic<Time> behind_since;     // the worker cannot write or send since then; 0: it can
  std::atomic<TransactionId> writer;  // the persister's open transaction
  std::atomic<Time> last_round;
  std::atomic<uint64_t> rounds_wanted;
  std::atomic<uint64_t> rounds_done;
  std::atomic<uint64_t> placed_for;  // mark of the policy by which users are in their lists
};

struct SharedHeader {
  std::atomic<Duration> clock_offset;  // 0 but in a testing build
  std::atomic<uint32_t> binders;       // connections that have bound a session so far
};

struct RateTable;

struct Shared {
  Region region;
  EventRing ring;
  SharedHeader* header = nullptr;
  RealmControl* controls = nullptr;
  RateTable* rates = nullptr;
  LWLock* realms = nullptr;
  LWLock* events = nullptr;
  LWLockPadded* partitions = nullptr;
  LWLockPadded* sessions = nullptr;
  LWLockPadded* channels = nullptr;
  LWLockPadded* viewers = nullptr;

  bool attached() const { return header != nullptr; }
  LWLock* partition(uint32_t number) const { return &partitions[number].lock; }
};

extern Shared shared;
extern const Region::Locks index_locks;

// A database's realm as a backend remembers it. The slot may have got another owner since.
struct RealmRef {
  uint16_t number = 0;
  uint64_t identity = 0;

  bool valid() const { return identity != 0; }
  Realm& realm() const { return shared.region.realm(number); }
  RealmControl& control() const { return shared.controls[number]; }
  bool gone() const { return realm().identity.load(std::memory_order_relaxed) != identity; }
  // Everybody who is not offline is in memory.
  bool complete() const { return control().loads_done.load() >= control().loads_wanted.load(); }
  UserKey key(std::string_view id) const { return shared.region.key(number, id); }
  SessionKey session_key(std::string_view id) const {
    return shared.region.session_key(number, id);
  }
  ChannelKey channel_key(std::string_view id) const {
    return shared.region.channel_key(number, id);
  }
  Key viewer_key(std::string_view id) const { return shared.region.viewer_key(number, id); }
};

enum class Answer : uint8_t {
  done,
  missing,   // not in memory
  full,      // no cell is free
  gone,      // the extension was dropped
  writing,   // the persister is writing its row
  stale,     // what was read from the table may be out of date
  foreign,   // the session is another user's
  older,     // something newer was there
  stranger,  // the user is no member of the channel
  crowded    // too many transactions claim the user already, or it has too many sessions
};

void wake_worker(const RealmRef& realm);

}  // namespace presence
