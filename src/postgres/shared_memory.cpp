// shared_memory.cpp: the only file that knows how PostgreSQL hands out shared memory.
//
// The startup hook runs in the postmaster, again after a crash, and in every process where there is
// no fork(). Shared fields are set when the memory is new, pointers of the process always.
#include "postgres/shared_memory.h"

#include <new>

#include "postgres/settings.h"
#include "postgres/shared/rates.h"
#include "postgres/shared/state.h"
#include "postgres/worker/launcher_table.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace presence {

namespace {

constexpr const char* tranche = "presence";
constexpr int lock_count =
    2 + 4 * partition_count;  // realms, events; partitions, sessions, channels, viewers

shmem_startup_hook_type next_startup_hook;

Size region_bytes() { return static_cast<Size>(settings.memory) * 1024; }
Size ring_bytes() { return static_cast<Size>(settings.event_buffer) * 1024; }

Size control_bytes() {
  return sizeof(SharedHeader) + plan_region(region_bytes()).realms * sizeof(RealmControl);
}

void request() {
  RequestAddinShmemSpace(region_bytes() + cell_bytes);
  RequestAddinShmemSpace(ring_bytes());
  RequestAddinShmemSpace(control_bytes());
  RequestAddinShmemSpace(sizeof(RateTable));
  RequestNamedLWLockTranche(tranche, lock_count);
  launcher_shmem_request();
}

HashSeed random_seed() {
  HashSeed seed;
  if (!pg_strong_random(&seed, sizeof seed))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
  return seed;
}

void* aligned_region(void* memory) {
  return reinterpret_cast<void*>(TYPEALIGN(cell_bytes, memory));
}

void start_region() {
  bool found;
  void* memory =
      aligned_region(ShmemInitStruct("presence region", region_bytes() + cell_bytes, &found));
  if (!found) shared.region.create(memory, plan_region(region_bytes()), random_seed(), index_locks);
  shared.region.attach(memory, index_locks);
}

void start_ring() {
  bool found;
  void* memory = ShmemInitStruct("presence events", ring_bytes(), &found);
  if (!found) shared.ring.create(memory, ring_bytes());
  shared.ring.attach(memory);
}

void start_controls() {
  bool found;
  void* memory = ShmemInitStruct("presence control", control_bytes(), &found);
  shared.header = static_cast<SharedHeader*>(memory);
  shared.controls = reinterpret_cast<RealmControl*>(shared.header + 1);
  if (found) return;
  new (shared.header) SharedHeader{};
  for (uint32_t i = 0; i < shared.region.realm_count(); i++)
    ConditionVariableInit(&(new (shared.controls + i) RealmControl{})->told);
}

void start_rates() {
  bool found;
  void* memory = ShmemInitStruct("presence rates", sizeof(RateTable), &found);
  shared.rates = static_cast<RateTable*>(memory);
  if (!found) new (shared.rates) RateTable{};
}

void find_locks() {
  LWLockPadded* locks = GetNamedLWLockTranche(tranche);
  shared.realms = &locks[0].lock;
  shared.events = &locks[1].lock;
  shared.partitions = locks + 2;
  shared.sessions = locks + 2 + partition_count;
  shared.channels = locks + 2 + 2 * partition_count;
  shared.viewers = locks + 2 + 3 * partition_count;
}

void startup() {
  if (next_startup_hook) next_startup_hook();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  find_locks();
  start_region();
  start_ring();
  start_controls();
  start_rates();
  launcher_shmem_init();
  LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void arrange_shared_memory() {
  request_shmem_compat<request>();
  next_startup_hook = shmem_startup_hook;
  shmem_startup_hook = startup;
}

}  // namespace presence
