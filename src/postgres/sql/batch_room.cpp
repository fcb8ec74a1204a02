// batch_room.cpp: look who is not here, make room, bring them, and look again.
#include "postgres/sql/batch_room.h"

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/tables/rows.h"

extern "C" {
#include "miscadmin.h"
}

namespace presence {

namespace {

// Of one user with all that its row brings along. Some have more, hardly any batch has on average;
// with so many free nobody looks.
constexpr std::size_t cells_at_ease = 16;
// What most of those who are not in memory need.
constexpr std::size_t cells_of_most = 4;

// Who of a batch needs cells: those who are not in memory, and the sessions of those who are
// offline.
struct Needs {
  std::string_view* missing;
  int missing_count;
  std::size_t sessions;

  bool are_met() const { return missing_count == 0 && sessions <= free_cells(); }
};

void look(const TouchBatch& batch, Needs& needs) {
  const Policy policy = current_policy();
  const Time now = current_time();
  needs.missing_count = 0;
  needs.sessions = 0;
  for (int i = 0; i < batch.count; i++) {
    CHECK_FOR_INTERRUPTS();
    const UserKey& key = batch.touches[i].key;
    Status status = Status::offline;
    const Answer answer = status_of_user(batch.realm, key, {}, policy, now, status);
    if (answer == Answer::missing)
      needs.missing[needs.missing_count++] = key.id;
    else if (answer == Answer::done && status == Status::offline)
      needs.sessions++;
  }
}

}  // namespace

void make_room_for_batch(const TouchBatch& batch) {
  if (free_cells() >= static_cast<std::size_t>(batch.count) * cells_at_ease) return;
  Needs needs{};
  needs.missing = static_cast<std::string_view*>(MemoryContextAllocHuge(
      CurrentMemoryContext, sizeof(std::string_view) * static_cast<Size>(Max(batch.count, 1))));
  look(batch, needs);
  if (needs.are_met()) return;
  make_room_for(static_cast<std::size_t>(needs.missing_count) * cells_of_most + needs.sessions);
  bring_from_rows(batch.realm, needs.missing, needs.missing_count);
  look(batch, needs);
  if (!needs.are_met()) raise_full();
}

}  // namespace presence
