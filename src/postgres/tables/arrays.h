// arrays.h: columns of values as arrays, for statements that write many rows.
#pragma once

#include "postgres/tables/access.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}

namespace presence {

// One column, filled row by row. Plain memory of the current context.
class Column {
 public:
  Column(Oid type, int rows);

  void add(Datum value);
  void add_null();
  void add_text(std::string_view text) { add(text_datum(text)); }
  void add_text_or_null(std::string_view text) { text.empty() ? add_null() : add_text(text); }
  Datum array() const;

 private:
  Oid type_;
  int count_ = 0;
  Datum* values_;
  bool* nulls_;
};

// The elements of an array argument, in the current context. `nulls` says which are NULL.
struct Elements {
  Datum* values;
  bool* nulls;
  int count;
};
Elements elements_of(ArrayType* array);

}  // namespace presence
