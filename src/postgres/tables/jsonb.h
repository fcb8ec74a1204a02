// jsonb.h: jsonb as it lies in shared memory: the bytes behind its header.
#pragma once

#include "postgres/boundary.h"

namespace presence {

std::string_view bytes_of_jsonb(Datum value);
Datum jsonb_of_bytes(std::string_view bytes);

// As text, in the current context.
std::string_view text_of_jsonb(Datum value);

// Whether its text may be far longer than its bytes: a number like 1e1000 is a few bytes.
bool has_long_number(Datum value);

// Of an object, as bytes, in the current context, what everybody may know who sees the status: its
// name and its avatar; empty: it has neither.
std::string_view name_and_avatar(std::string_view object);

// What is at a key of an object, as JSON, in the current context; empty: nothing.
std::string_view json_in(Datum object, const char* name);

// The text at a key of an object, in the current context; empty: there is none.
std::string_view text_in(Datum object, const char* name);
std::string_view name_in(std::string_view object);

// {"id", "name", "avatar", ...} as JSON, in the current context: what the application keeps with a
// user. Whatever it calls "id", the user's own id is meant. Empty: it keeps nothing.
std::string_view card_of(std::string_view user_id, std::string_view user_data);

}  // namespace presence
