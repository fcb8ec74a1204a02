// arrays.h: columns of values as arrays, for statements that write many rows.
#pragma once

#include <algorithm>
#include <numeric>

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

// Texts as an array.
Datum texts_datum(const std::string_view* texts, int count);

// The numbers from 0 to count - 1 in the order of `less`, in the current context.
template <typename Less>
int* order_of(int count, Less less) {
  auto* order = static_cast<int*>(palloc(sizeof(int) * static_cast<Size>(count)));
  std::iota(order, order + count, 0);
  std::sort(order, order + count, less);
  return order;
}

// The elements of an array argument, in the current context. `nulls` says which are NULL.
struct Elements {
  Datum* values;
  bool* nulls;
  int count;
};
Elements elements_of(ArrayType* array);

}  // namespace presence
