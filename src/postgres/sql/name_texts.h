// name_texts.h: names that every row has, as values of type text that are made once.
//
// They belong to the process, not to a memory context; whoever keeps one copies it, as any value
// that a function returns.
#pragma once

#include "core/visibility.h"
#include "postgres/boundary.h"

namespace presence {

Datum status_text(Status status);
Datum bucket_text(Bucket bucket);

// In _PG_init.
void make_name_texts();

}  // namespace presence
