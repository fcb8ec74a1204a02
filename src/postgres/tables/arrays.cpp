// arrays.cpp: building and taking apart.
#include "postgres/tables/arrays.h"

extern "C" {
#include "utils/lsyscache.h"
}

namespace presence {

Column::Column(Oid type, int rows)
    : type_(type),
      values_(static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(Max(rows, 1))))),
      nulls_(static_cast<bool*>(palloc(sizeof(bool) * static_cast<Size>(Max(rows, 1))))) {}

void Column::add(Datum value) {
  values_[count_] = value;
  nulls_[count_++] = false;
}

void Column::add_null() {
  values_[count_] = 0;
  nulls_[count_++] = true;
}

Datum Column::array() const {
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type_, &length, &by_value, &alignment);
  int dimensions[] = {count_};
  int lower_bounds[] = {1};
  return PointerGetDatum(construct_md_array(values_, nulls_, 1, dimensions, lower_bounds, type_,
                                            length, by_value, alignment));
}

Datum texts_datum(const std::string_view* texts, int count) {
  Column column(TEXTOID, count);
  for (int i = 0; i < count; i++) column.add_text(texts[i]);
  return column.array();
}

Elements elements_of(ArrayType* array) {
  Elements elements;
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &alignment);
  deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, alignment, &elements.values,
                    &elements.nulls, &elements.count);
  return elements;
}

}  // namespace presence
