// arguments.h: what functions are given, checked. Every function here raises a clear error before
// anything has changed.
#pragma once

#include "core/status.h"
#include "postgres/tables/arrays.h"

namespace presence {

// 22004 NULL, 22023 empty, 22001 over 128 bytes.
std::string_view id_argument(FunctionCallInfo call, int number, const char* name);
void check_id(std::string_view id);
// An id of a session, or nothing for NULL: 22023 empty, 22001 over 128 bytes.
std::optional<std::string_view> session_argument(FunctionCallInfo call, int number);
void check_session_id(std::string_view id);
// The id of a channel: 22004 NULL, 22023 empty, 22001 over 128 bytes.
std::string_view channel_argument(FunctionCallInfo call, int number);
// The same of a document, which has the channel document_<id>.
std::string_view document_argument(FunctionCallInfo call, int number);
// The bytes of a jsonb as they lie in memory, at most 1 kB (22001); empty for NULL.
std::string_view placed_argument(FunctionCallInfo call, int number, const char* name);
// An object of at most 4 kB, or nothing for NULL: see check_data.
std::optional<std::string_view> data_argument(FunctionCallInfo call, int number);
// A text of at most so many bytes (22001), or nothing for NULL.
std::optional<std::string_view> text_argument(FunctionCallInfo call, int number, const char* name,
                                              std::size_t most_bytes);
// At most 500 characters (22001).
std::optional<std::string_view> message_argument(FunctionCallInfo call, int number);
void check_message(std::string_view message);
// An object (22023) of at most 4 kB (22001): its bytes as they lie in memory.
std::string_view check_data(Datum user_data);
// 22004 NULL, 22001 over 64 bytes, 22023 empty.
std::string_view reason_argument(FunctionCallInfo call, int number);
// One of the four, or 22023.
Status status_of_text(std::string_view text);
// A moment to come (22023), or never for NULL.
Time expiry_argument(FunctionCallInfo call, int number, Time now);
// 22004 NULL.
Elements array_argument(FunctionCallInfo call, int number, const char* name);
// One of the four, or 22023.
Audience audience_of_text(std::string_view text);
// full, status or last_seen, or 22023.
Detail detail_of_text(std::string_view text);
bool bool_argument(FunctionCallInfo call, int number, const char* name);
// 22004 NULL, 22023 below `least`.
int int_argument(FunctionCallInfo call, int number, const char* name, int least);

[[noreturn]] void raise_null(const char* name);
// Of several arrays that belong together: 2202E.
void check_same_length(int a, int b, const char* name);

}  // namespace presence
