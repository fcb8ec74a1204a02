// each_row.h: going through all rows of a query, portion by portion.
#pragma once

#include "core/types.h"
#include "postgres/tables/access.h"

extern "C" {
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

inline constexpr long rows_at_once = 2000;

// Calls `use` with each row of the query as the last result; in a scope. Whatever snapshot the
// caller's transaction has: memory is about what is committed now.
template <typename Use>
void for_each_row(Statement& query, Use use) {
  SPIPlanPtr plan = prepare(query);
  PushActiveSnapshot(GetLatestSnapshot());
  Portal rows = SPI_cursor_open(nullptr, plan, nullptr, nullptr, true);
  PopActiveSnapshot();
  for (;;) {
    SPI_cursor_fetch(rows, true, rows_at_once);
    SPITupleTable* portion = SPI_tuptable;
    const uint64 count = SPI_processed;
    if (count == 0) break;
    for (uint64 i = 0; i < count; i++) {
      SPI_tuptable = portion;
      use(i);
    }
    SPI_freetuptable(portion);
    CHECK_FOR_INTERRUPTS();
  }
  SPI_cursor_close(rows);
}

// A column of a row of the last result; empty for NULL.
inline std::string_view text_column(uint64 row, int number) {
  Datum value;
  return get_value(row, number, value) ? text_of(value) : std::string_view{};
}

// forever_ago for NULL.
inline Time time_column(uint64 row, int number) {
  Datum value;
  return get_value(row, number, value) ? DatumGetTimestampTz(value) : forever_ago;
}

// A restored row may hold what no function would have let in.
inline bool is_id(std::string_view id) { return !id.empty() && id.size() <= max_id_bytes; }

}  // namespace presence
