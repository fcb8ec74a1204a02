// row_locks.cpp: what SELECT ... FOR NO KEY UPDATE does for one key after the other, less the
// executor, and with one difference.
//
// Whoever looks a row up by an index prunes its page when that has less free space than the
// fillfactor leaves. As half of each page is left free for updates in place, that is at once: each
// look would prune what one update has left. Here a page is pruned when half of that is used, so
// that one pruning is that of many updates. Batches that use as much of a page each time have room:
// what is left for the next one is more than this one has used, or the page is pruned first.
#include "postgres/tables/row_locks.h"

#include "postgres/compat.h"
#include "postgres/tables/arrays.h"

extern "C" {
#include "access/genam.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

// Columns of user_presence.
constexpr AttrNumber user_id_column = 1;
constexpr AttrNumber status_column = 2;

// Half of what the fillfactor of user_presence leaves free.
constexpr Size least_free = BLCKSZ / 4;

// Somebody may have altered the table: what is read here without the executor is read as text.
bool is_text(::Relation table, AttrNumber column) {
  const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column - 1);
  return !attribute->attisdropped && attribute->atttypid == TEXTOID;
}

bool is_key_of_users(::Relation key) {
  return key->rd_rel->relam == BTREE_AM_OID && key->rd_index->indnkeyatts == 1 &&
         key->rd_index->indkey.values[0] == user_id_column && key->rd_opcintype[0] == TEXTOID;
}

void raise_altered(::Relation table) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("table \"%s\" has been altered", RelationGetRelationName(table)),
                  errhint("Give back to it the columns user_id and status of type text, and the "
                          "primary key (user_id).")));
}

// The table, its key and a snapshot of now, between open and close. An error closes them, too.
class RowLocker {
 public:
  void open();
  // False: there is no such row.
  bool lock(std::string_view id, LockedRow& row);
  bool is_there(std::string_view id);
  void close();

 private:
  bool find_by_place(std::string_view id, RowPlace key_place, ItemPointerData& place);
  bool find_by_key(std::string_view id, RowPlace& key_place, ItemPointerData& place);
  bool next_of_key(RowPlace& key_place, ItemPointerData& place);
  bool search_page(ItemPointerData& place, HeapTupleData& tuple, bool& all_dead);
  bool is_of(HeapTuple tuple, std::string_view id) const;
  bool lock_at(ItemPointerData& place);
  bool read(std::string_view id, LockedRow& row);
  void let_go();

  ::Relation table_;
  ::Relation key_;
  IndexScanDesc scan_;
  TupleTableSlot* slot_;
  Buffer page_;  // of the row that is being locked; invalid: of none
  bool is_heap_;
  BlockNumber blocks_;  // of the table; it gets no shorter while it is open
};

void RowLocker::open() {
  table_ = table_open(extension().user_presence, RowShareLock);
  list_free(RelationGetIndexList(table_));
  if (!OidIsValid(table_->rd_pkindex) || !is_text(table_, user_id_column) ||
      !is_text(table_, status_column))
    raise_altered(table_);
  key_ = index_open(table_->rd_pkindex, AccessShareLock);
  if (!is_key_of_users(key_)) raise_altered(table_);
  // Sees what this transaction has done before.
  CommandCounterIncrement();
  PushActiveSnapshot(GetTransactionSnapshot());
  scan_ = index_beginscan_compat(table_, key_, GetActiveSnapshot(), 1);
  slot_ = table_slot_create(table_, nullptr);
  is_heap_ = table_->rd_rel->relam == HEAP_TABLE_AM_OID;
  page_ = InvalidBuffer;
  blocks_ = InvalidBlockNumber;
}

void RowLocker::close() {
  ExecDropSingleTupleTableSlot(slot_);
  index_endscan(scan_);
  PopActiveSnapshot();
  index_close(key_, NoLock);
  table_close(table_, NoLock);
}

// The version that the snapshot sees of the row at `place`, of which that is the oldest version: as
// an index names rows. The page of what is found stays pinned: nobody may prune it until the row is
// locked.
bool RowLocker::search_page(ItemPointerData& place, HeapTupleData& tuple, bool& all_dead) {
  const Buffer buffer = ReadBuffer(table_, ItemPointerGetBlockNumber(&place));
  const Page page = BufferGetPage(buffer);
  // Without a lock, as the pruning itself looks first: it looks again with one.
  if (PageIsFull(page) || PageGetHeapFreeSpace(page) < least_free)
    heap_page_prune_opt(table_, buffer);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const bool found =
      heap_hot_search_buffer(&place, table_, buffer, scan_->xs_snapshot, &tuple, &all_dead, true);
  LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  if (found)
    page_ = buffer;
  else
    ReleaseBuffer(buffer);
  return found;
}

bool RowLocker::is_of(HeapTuple tuple, std::string_view id) const {
  bool is_null;
  const Datum user_id = heap_getattr(tuple, user_id_column, RelationGetDescr(table_), &is_null);
  return !is_null && text_of(user_id) == id;
}

// Of a key that is unique a snapshot sees one row: if it is the one here, it is the one. Anything
// else may be here by now, or nothing, also no page.
bool RowLocker::find_by_place(std::string_view id, RowPlace key_place, ItemPointerData& place) {
  if (!is_heap_ || !key_place.is_known()) return false;
  if (blocks_ == InvalidBlockNumber) blocks_ = RelationGetNumberOfBlocks(table_);
  if (key_place.block >= blocks_) return false;
  ItemPointerSet(&place, key_place.block, key_place.number);
  HeapTupleData tuple;
  bool all_dead;
  if (!search_page(place, tuple, all_dead)) return false;
  if (is_of(&tuple, id)) return true;
  let_go();
  return false;
}

bool RowLocker::find_by_key(std::string_view id, RowPlace& key_place, ItemPointerData& place) {
  ScanKeyData equal;
  ScanKeyEntryInitialize(&equal, 0, 1, BTEqualStrategyNumber, InvalidOid, key_->rd_indcollation[0],
                         F_TEXTEQ, text_datum(id));
  index_rescan(scan_, &equal, 1, nullptr, 0);
  if (is_heap_) return next_of_key(key_place, place);
  if (!index_getnext_slot(scan_, ForwardScanDirection, slot_)) return false;
  place = slot_->tts_tid;
  return true;
}

// Several entries may have the key: at most one leads to a version that the snapshot sees.
bool RowLocker::next_of_key(RowPlace& key_place, ItemPointerData& place) {
  while (const ItemPointer entry = index_getnext_tid(scan_, ForwardScanDirection)) {
    place = *entry;
    key_place = {ItemPointerGetBlockNumber(entry), ItemPointerGetOffsetNumber(entry)};
    HeapTupleData tuple;
    bool all_dead = false;
    const bool found = search_page(place, tuple, all_dead);
    // The index may forget an entry that nobody can see any more.
    scan_->kill_prior_tuple = !found && all_dead && !scan_->xactStartedInRecovery;
    if (!found) continue;
    pgstat_count_heap_fetch(key_);
    return true;
  }
  return false;
}

void RowLocker::let_go() {
  ExecClearTuple(slot_);
  if (BufferIsValid(page_)) ReleaseBuffer(page_);
  page_ = InvalidBuffer;
}

// Waits for whoever has the row. In READ COMMITTED it is the row's last version that is locked
// then. False: it was deleted meanwhile.
bool RowLocker::lock_at(ItemPointerData& place) {
  const bool one_snapshot = IsolationUsesXactSnapshot();
  uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
  if (!one_snapshot) flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
  TM_FailureData failure;
  const TM_Result result =
      table_tuple_lock(table_, &place, scan_->xs_snapshot, slot_, GetCurrentCommandId(true),
                       LockTupleNoKeyExclusive, LockWaitBlock, flags, &failure);
  if (result == TM_Ok) return true;
  if (one_snapshot && (result == TM_Updated || result == TM_Deleted))
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("could not serialize access due to concurrent update")));
  if (result != TM_Deleted)
    elog(ERROR, "the row of a user cannot be locked: table_tuple_lock says %d", result);
  return false;
}

// The row of slot_. False: whoever had it has given it to somebody else.
bool RowLocker::read(std::string_view id, LockedRow& row) {
  bool is_null;
  const Datum user_id = slot_getattr(slot_, user_id_column, &is_null);
  if (is_null || text_of(user_id) != id) return false;
  const Datum status = slot_getattr(slot_, status_column, &is_null);
  row.status = is_null ? Status::offline : status_named(text_of(status)).value_or(Status::offline);
  row.place = slot_->tts_tid;
  return true;
}

bool RowLocker::lock(std::string_view id, LockedRow& row) {
  ItemPointerData place;
  const bool found =
      find_by_place(id, row.key_place, place) || find_by_key(id, row.key_place, place);
  const bool locked = found && lock_at(place) && read(id, row);
  let_go();
  return locked;
}

bool RowLocker::is_there(std::string_view id) {
  RowPlace key_place;
  ItemPointerData place;
  const bool found = find_by_key(id, key_place, place);
  let_go();
  return found;
}

// A batch in the order of the keys: its i-th row is rows[order[i]], of ids[order[i]].
struct Batch {
  const std::string_view* ids;
  LockedRow* rows;
  const int* order;
  int count;

  std::string_view id(int i) const { return ids[order[i]]; }
  LockedRow& row(int i) const { return rows[order[i]]; }
};

struct Stretch {
  int locked;   // so many, and behind them
  int missing;  // so many are not there
};

// Locks until one is not there.
Stretch lock_from(const Batch& batch, int begin) {
  RowLocker locker;
  locker.open();
  int at = begin;
  for (; at < batch.count && locker.lock(batch.id(at), batch.row(at)); at++) CHECK_FOR_INTERRUPTS();
  int end = at;
  for (; end < batch.count && (end == at || !locker.is_there(batch.id(end))); end++)
    CHECK_FOR_INTERRUPTS();
  locker.close();
  return {at - begin, end - at};
}

// One after the other as they are given. What somebody else has made meanwhile is locked, too, as
// DO UPDATE does before it looks at its condition: what comes after it must not be had before it.
Statement add_missing = {
    "INSERT INTO %s.user_presence (user_id, status, updated_at) "
    "SELECT u, 'offline', $2 FROM unnest($1) u "
    "ON CONFLICT (user_id) DO UPDATE SET status = EXCLUDED.status WHERE false",
    2,
    {TEXTARRAYOID, TIMESTAMPTZOID}};

// Waits for whoever else makes one of them. Returns how many it has made.
uint64 make_missing(const Batch& batch, int begin, int count, Time now) {
  Column ids(TEXTOID, count);
  for (int i = 0; i < count; i++) ids.add_text(batch.id(begin + i));
  Datum values[] = {ids.array(), TimestampTzGetDatum(now)};
  return run(add_missing, values, nullptr);
}

}  // namespace

bool lock_row_if_present(std::string_view id, LockedRow& row) {
  constexpr int first = 0;
  return lock_from({&id, &row, &first, 1}, 0).locked == 1;
}

bool lock_rows(const std::string_view* ids, LockedRow* rows, int count, Time now) {
  const int* order = order_of(count, [ids](int a, int b) { return ids[a] < ids[b]; });
  const Batch batch{ids, rows, order, count};
  // Somebody may delete a row between its making and its locking, but not for ever.
  constexpr int tries = 10;
  bool made = false;
  int at = 0;
  for (int in_vain = 0; in_vain < tries;) {
    const Stretch stretch = lock_from(batch, at);
    at += stretch.locked;
    if (at == count) return made;
    in_vain = stretch.locked > 0 ? 1 : in_vain + 1;
    made |= make_missing(batch, at, stretch.missing, now) > 0;
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("a row of user_presence cannot be made"),
                  errhint("See what its triggers do with rows that are inserted.")));
}

}  // namespace presence
