// partitions.cpp: making and dropping them, by functions of the install script.
#include "postgres/worker/partitions.h"

#include <algorithm>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/tables/access.h"
#include "postgres/worker/attempt.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr Duration looks_every = 60 * minute;
constexpr Duration tries_again_after = 10 * second;
constexpr Duration day = 24 * 60 * minute;
constexpr Duration first_monday = 2 * day;  // 2000-01-03

Statement make = {"SELECT %s.presence_maintain_partitions($1, $2, $3)",
                  3,
                  {TEXTOID, TIMESTAMPTZOID, INTERVALOID}};
Statement drop = {
    "SELECT %s.presence_drop_partitions($1, $2, $3)", 3, {TEXTOID, TIMESTAMPTZOID, INTERVALOID}};

struct Table {
  const char* name;
  int retention;  // minutes
};

Table table_of(Kept kept) {
  if (kept == Kept::history) return {"presence_history", settings.history_retention};
  return {"user_activities", settings.activity_retention};
}

struct Maintenance {
  Statement* statement;
  Table table;
  Time now;
};

void maintain_in_transaction(void* context) {
  auto* maintenance = static_cast<Maintenance*>(context);
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin();
  // Whoever waits for a lock holds up everybody behind: rather come again.
  access.set("lock_timeout", "10");
  Interval retention{};
  retention.time = maintenance->table.retention * minute;
  Datum values[] = {text_datum(maintenance->table.name), TimestampTzGetDatum(maintenance->now),
                    IntervalPGetDatum(&retention)};
  run(*maintenance->statement, values, nullptr);
  access.end();
  PopActiveSnapshot();
}

bool maintain(Statement& statement, Kept table, Time now) {
  Maintenance maintenance{&statement, table_of(table), now};
  return attempt("maintain the partitions of its tables",
                 "Somebody may have locked presence_history or user_activities.",
                 maintain_in_transaction, &maintenance);
}

Time next_monday(Time now) {
  return ((now - first_monday) / (7 * day) + 1) * (7 * day) + first_monday;
}

}  // namespace

// A table that does not grow needs none. Each hour is enough.
void make_partitions(Kept table, PartitionPlan& plan) {
  const Time now = current_time();
  if (!plan.grows) return;
  if (now < plan.next_make) {
    plan.grows = plan.next_make - now <= tries_again_after;
    return;
  }
  plan.grows = !maintain(make, table, now);
  plan.next_make = now + (plan.grows ? tries_again_after : looks_every);
}

void drop_partitions(Kept table, PartitionPlan& plan) {
  const Time now = current_time();
  if (now < plan.next_drop) return;
  plan.next_drop = maintain(drop, table, now) ? next_monday(now) : now + tries_again_after;
}

Time next_of(const PartitionPlan& plan) {
  return plan.grows ? std::min(plan.next_make, plan.next_drop) : plan.next_drop;
}

}  // namespace presence
