// do_nothing.cpp: what any function of an extension costs that is called as one of presence is, and
// does nothing of what that does.
extern "C" {
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

__attribute__((visibility("default"))) PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(do_nothing);
PG_FUNCTION_INFO_V1(same_rows);
}

#include "postgres/compat.h"

// As presence_touch.
Datum do_nothing(PG_FUNCTION_ARGS) { PG_RETURN_TEXT_P(cstring_to_text("online")); }

// As presence_get_many of people who are here: a row for each id, but all with the same facts.
Datum same_rows(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) elog(ERROR, "user_ids must not be null");
  Datum* ids;
  int count;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &ids, nullptr,
                    &count);
  presence::start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  // presence_state: nobody has data.
  Datum row[] = {0,
                 CStringGetTextDatum("online"),
                 PG_GETARG_DATUM(1),
                 TimestampTzGetDatum(GetCurrentTimestamp()),
                 CStringGetTextDatum("/p12345"),
                 0,
                 Int32GetDatum(1),
                 Int32GetDatum(1),
                 Int32GetDatum(1),
                 CStringGetTextDatum("recently")};
  bool nulls[] = {false, false, PG_ARGISNULL(1), false, false, true, false, false, false, false};
  for (int i = 0; i < count; i++) {
    row[0] = ids[i];
    tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
  }
  return 0;
}
