// shown.h: what those see from whom a user hides, as a row keeps it: a jsonb of the user as it was.
//
// As bytes behind the jsonb's header, like everything in postgres/tables/jsonb.h. Nothing is no
// jsonb at all: the column is NULL.
#pragma once

#include "core/visibility.h"
#include "postgres/boundary.h"

namespace presence {

// The bytes, in the current context.
std::string_view write_shown(const ShownFacts& facts);
// Who never saw the user knows nothing: {}.
std::string_view write_nothing_shown();

// A restored row may hold anything: what makes no sense is nothing known. Its texts are in the
// current context.
ShownFacts read_shown(std::string_view bytes);

}  // namespace presence
