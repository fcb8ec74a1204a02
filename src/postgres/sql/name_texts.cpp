// name_texts.cpp: texts with a header of one byte, as they are in a row.
#include "postgres/sql/name_texts.h"

#include <cstring>

namespace presence {

namespace {

constexpr size_t longest_name = 15;
struct NameText {
  char bytes[VARHDRSZ_SHORT + longest_name];
};

constexpr int statuses = static_cast<int>(Status::busy) + 1;
constexpr int buckets = static_cast<int>(Bucket::long_ago) + 1;
NameText status_texts[statuses];
NameText bucket_texts[buckets];

template <typename Name, int count>
void make(NameText (&texts)[count]) {
  for (int i = 0; i < count; i++) {
    const std::string_view name = name_of(static_cast<Name>(i));
    Assert(name.size() <= longest_name);
    SET_VARSIZE_SHORT(texts[i].bytes, VARHDRSZ_SHORT + name.size());
    std::memcpy(texts[i].bytes + VARHDRSZ_SHORT, name.data(), name.size());
  }
}

}  // namespace

void make_name_texts() {
  make<Status>(status_texts);
  make<Bucket>(bucket_texts);
}

Datum status_text(Status status) {
  return PointerGetDatum(status_texts[static_cast<int>(status)].bytes);
}

Datum bucket_text(Bucket bucket) {
  return PointerGetDatum(bucket_texts[static_cast<int>(bucket)].bytes);
}

}  // namespace presence
