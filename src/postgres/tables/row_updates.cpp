// row_updates.cpp: an UPDATE of rows whose places are known.
//
// There is nothing to plan or to join: what is to be written is known row by row. The executor's
// own ExecSimpleRelationUpdate writes a row with what belongs to it, constraints and indexes, as
// for a subscriber of logical replication. Triggers of statements, rules and policies are not its
// business, nor in each release are generated columns: where somebody has put such on the table,
// and where a column is not what it was, a statement writes the rows.
#include "postgres/tables/row_updates.h"

#include <algorithm>
#include <cstring>

#include "postgres/compat.h"
#include "postgres/tables/arrays.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

// ---- what is written -------------------------------------------------------

struct WrittenColumn {
  const char* name;
  Oid type;
};

// In the order of the arguments of write_many, from $2 on.
constexpr WrittenColumn columns[] = {{"status", TEXTOID},
                                     {"status_message", TEXTOID},
                                     {"last_seen", TIMESTAMPTZOID},
                                     {"current_page", TEXTOID},
                                     {"activity_count", INT4OID},
                                     {"manual", TEXTOID},
                                     {"updated_at", TIMESTAMPTZOID},
                                     {"auto_away_at", TIMESTAMPTZOID},
                                     {"went_offline_at", TIMESTAMPTZOID}};
constexpr int column_count = std::size(columns);
constexpr int first_kept = column_count - 2;  // from here on, NULL leaves what is there

// Of one row, in the order of the columns, in the current context.
class Values {
 public:
  Values(const WrittenRow& row, Time now) {
    text(name_of(row.status));
    text(row.message);
    time_if(row.has_last_seen, row.last_seen);
    text(row.page);
    add(Int32GetDatum(static_cast<int32>(row.activity_count)));
    text(row.choices);
    time_if(true, now);
    time_if(row.went_away, row.since);
    time_if(row.went_offline, row.since);
  }

  Datum value[column_count] = {};
  bool is_null[column_count] = {};

 private:
  void add(Datum datum) { value[count_++] = datum; }
  void text(std::string_view text) { text.empty() ? add_null() : add(text_datum(text)); }
  void time_if(bool given, Time time) { given ? add(TimestampTzGetDatum(time)) : add_null(); }
  void add_null() { is_null[count_++] = true; }

  int count_ = 0;
};

// ---- by the executor -------------------------------------------------------

// Like one statement, between open and close. An error closes it, too.
class RowUpdater {
 public:
  // False: it takes a statement. Then nothing is open.
  bool open();
  void update(const WrittenRow& row, Time now);
  void close();

 private:
  bool find_columns();
  bool is_plain() const;

  ::Relation table_;
  int numbers_[column_count];
  EState* state_;
  ResultRelInfo* target_;
  TupleTableSlot* before_;
  TupleTableSlot* after_;
};

bool RowUpdater::find_columns() {
  const TupleDesc row = RelationGetDescr(table_);
  for (int i = 0; i < column_count; i++) {
    numbers_[i] = SPI_fnumber(row, columns[i].name);
    if (numbers_[i] <= 0) return false;
    const Form_pg_attribute attribute = TupleDescAttr(row, numbers_[i] - 1);
    if (attribute->atttypid != columns[i].type || attribute->atttypmod != -1) return false;
  }
  return true;
}

bool has_generated_column(TupleDesc row) {
  for (int i = 0; i < row->natts; i++)
    if (TupleDescAttr(row, i)->attgenerated != '\0') return true;
  return false;
}

// The guard on the table lets us through.
bool has_foreign_trigger(const TriggerDesc* triggers) {
  if (triggers == nullptr) return false;
  return std::any_of(triggers->triggers, triggers->triggers + triggers->numtriggers,
                     [](const Trigger& trigger) {
                       return TRIGGER_FOR_UPDATE(trigger.tgtype) &&
                              std::strcmp(trigger.tgname, "presence_guard") != 0;
                     });
}

bool RowUpdater::is_plain() const {
  return table_->rd_rel->relkind == RELKIND_RELATION && !table_->rd_rel->relispartition &&
         !table_->rd_rel->relrowsecurity && table_->rd_rules == nullptr &&
         !has_foreign_trigger(table_->trigdesc) && !has_generated_column(RelationGetDescr(table_));
}

bool RowUpdater::open() {
  if (!can_update_rows_compat) return false;
  table_ = table_open(extension().user_presence, RowExclusiveLock);
  if (!is_plain() || !find_columns()) {
    table_close(table_, NoLock);
    return false;
  }
  PushActiveSnapshot(GetTransactionSnapshot());
  state_ = CreateExecutorState();
  state_->es_snapshot = GetActiveSnapshot();
  target_ = makeNode(ResultRelInfo);
  InitResultRelInfo(target_, table_, 0, nullptr, 0);
  ExecOpenIndices(target_, false);
  before_ = table_slot_create(table_, nullptr);
  after_ = MakeSingleTupleTableSlot(RelationGetDescr(table_), &TTSOpsVirtual);
  return true;
}

void RowUpdater::update(const WrittenRow& row, Time now) {
  MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(state_));
  ItemPointerData place = row.place;
  if (!table_tuple_fetch_row_version(table_, &place, SnapshotAny, before_))
    elog(ERROR, "a row that is locked is not there");
  slot_getallattrs(before_);
  ExecClearTuple(after_);
  const TupleDesc descriptor = RelationGetDescr(table_);
  for (int i = 0; i < descriptor->natts; i++) {
    after_->tts_values[i] = before_->tts_values[i];
    after_->tts_isnull[i] = before_->tts_isnull[i] || TupleDescAttr(descriptor, i)->attisdropped;
  }
  const Values values(row, now);
  for (int i = 0; i < column_count; i++) {
    if (i >= first_kept && values.is_null[i]) continue;
    after_->tts_values[numbers_[i] - 1] = values.value[i];
    after_->tts_isnull[numbers_[i] - 1] = values.is_null[i];
  }
  ExecStoreVirtualTuple(after_);
  update_row_compat(target_, state_, before_, after_);
  MemoryContextSwitchTo(caller);
  ResetPerTupleExprContext(state_);
}

void RowUpdater::close() {
  ExecDropSingleTupleTableSlot(before_);
  ExecDropSingleTupleTableSlot(after_);
  ExecCloseIndices(target_);
  FreeExecutorState(state_);
  PopActiveSnapshot();
  table_close(table_, NoLock);
  CommandCounterIncrement();
}

// ---- by a statement --------------------------------------------------------

// All places in one scan, joined with the values by hash: a scan for each place would ask the
// system for the size of the table each time.
Statement write_many = {
    "UPDATE ONLY %s.user_presence p SET status = r.status, status_message = r.message, "
    "last_seen = r.last_seen, current_page = r.page, activity_count = r.count, "
    "manual = r.manual, updated_at = r.now, "
    "auto_away_at = COALESCE(r.away, p.auto_away_at), "
    "went_offline_at = COALESCE(r.offline, p.went_offline_at) "
    "FROM (SELECT unnest($1) AS place, unnest($2) AS status, unnest($3) AS message, "
    "unnest($4) AS last_seen, unnest($5) AS page, unnest($6) AS count, unnest($7) AS manual, "
    "unnest($8) AS now, unnest($9) AS away, unnest($10) AS offline) AS r "
    "WHERE p.ctid = ANY ($1) AND p.ctid = r.place",
    1 + column_count,
    {TIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
     TEXTARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID}};

Datum array_of_column(const Values* values, int count, int column) {
  Column array(columns[column].type, count);
  for (int i = 0; i < count; i++)
    values[i].is_null[column] ? array.add_null() : array.add(values[i].value[column]);
  return array.array();
}

// They are locked, so nothing else can keep them from being written.
void must_be_all(uint64 written, int count) {
  if (written == static_cast<uint64>(count)) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("a row of user_presence cannot be written"),
                  errhint("See what its triggers do with rows that are updated.")));
}

void update_by_statement(const WrittenRow* rows, int count, Time now) {
  auto* values = static_cast<Values*>(palloc(sizeof(Values) * static_cast<Size>(count)));
  Column places(TIDOID, count);
  for (int i = 0; i < count; i++) {
    places.add(PointerGetDatum(&rows[i].place));
    values[i] = Values(rows[i], now);
  }
  Datum arguments[1 + column_count] = {places.array()};
  for (int i = 0; i < column_count; i++) arguments[1 + i] = array_of_column(values, count, i);
  TableAccess::set("enable_hashjoin", "on");
  TableAccess::set("enable_nestloop", "off");
  must_be_all(run(write_many, arguments, nullptr), count);
}

}  // namespace

void update_rows(const WrittenRow* rows, int count, Time now) {
  RowUpdater updater;
  if (!updater.open()) {
    update_by_statement(rows, count, now);
    return;
  }
  for (int i = 0; i < count; i++) {
    CHECK_FOR_INTERRUPTS();
    updater.update(rows[i], now);
  }
  updater.close();
}

}  // namespace presence
