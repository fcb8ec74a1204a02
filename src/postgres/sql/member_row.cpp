// member_row.cpp: columns.
#include "postgres/sql/member_row.h"

#include <algorithm>

#include "postgres/sql/name_texts.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/jsonb.h"
#include "postgres/tables/member_rows.h"

extern "C" {
#include "access/htup_details.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

template <int columns>
struct Values {
  Datum values[columns] = {};
  bool nulls[columns] = {};
  int count = 0;

  void add(Datum value) { values[count++] = value; }
  void add_if(bool is_given, Datum value) {
    nulls[count] = !is_given;
    add(value);
  }
  void add_jsonb(std::string_view bytes) {
    nulls[count] = bytes.empty();
    values[count++] = bytes.empty() ? Datum{0} : jsonb_of_bytes(bytes);
  }
};

}  // namespace

HeapTuple channel_presence_tuple(const MemberView& view, TupleDesc type) {
  Values<9> row;
  row.add(text_datum(view.channel()));
  row.add(text_datum(view.id()));
  row.add(TimestampTzGetDatum(view.joined_at));
  row.add(TimestampTzGetDatum(view.last_active));
  row.add_jsonb(view.cursor());
  row.add_jsonb(view.selection());
  row.add_jsonb(view.state());
  row.add_jsonb(view.data());
  row.add(array_of_seats(view.seats()));
  return heap_form_tuple(type, row.values, row.nulls);
}

// Whoever sees the status and no more does not see when the member was active, or where it is.
void fill_member(const MemberView& view, MemberColumns& out) {
  const bool all = view.detail == Detail::full;
  Values<member_columns> row;
  row.add(text_datum(view.id()));
  row.add(status_text(view.status));
  row.add_jsonb(all ? view.data() : name_and_avatar(view.data()));
  row.add(TimestampTzGetDatum(view.joined_at));
  row.add_if(all, TimestampTzGetDatum(view.last_active));
  row.add_jsonb(all ? view.cursor() : std::string_view{});
  row.add_jsonb(all ? view.selection() : std::string_view{});
  row.add_jsonb(all ? view.state() : std::string_view{});
  row.add(BoolGetDatum(view.typing));
  std::copy_n(row.values, static_cast<int>(member_columns), out.values);
  std::copy_n(row.nulls, static_cast<int>(member_columns), out.nulls);
}

HeapTuple member_tuple(const MemberView& view, TupleDesc type) {
  MemberColumns columns{};
  fill_member(view, columns);
  return heap_form_tuple(type, columns.values, columns.nulls);
}

}  // namespace presence
