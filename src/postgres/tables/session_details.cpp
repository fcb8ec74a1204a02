// session_details.cpp: packing, and looking into the row.
#include "postgres/tables/session_details.h"

#include <cstring>

#include "postgres/tables/access.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

// None of them contains a zero byte: they are texts of PostgreSQL.
constexpr char separator = '\0';

std::string_view cut(std::string_view& from) {
  const std::size_t end = from.find(separator);
  const std::string_view part = from.substr(0, end);
  from.remove_prefix(end == from.npos ? from.size() : end + 1);
  return part;
}

std::string_view kept(std::string_view text) {
  char* copy = static_cast<char*>(palloc(text.size() + 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace

std::string_view pack_details(const Details& details) {
  const std::string_view parts[] = {details.device, details.address, details.agent};
  if (details.device.empty() && details.address.empty() && details.agent.empty()) return {};
  char* packed = static_cast<char*>(
      palloc(details.device.size() + details.address.size() + details.agent.size() + 3));
  char* to = packed;
  for (const std::string_view part : parts) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
    *to++ = separator;
  }
  return {packed, static_cast<std::size_t>(to - packed)};
}

Details unpack_details(std::string_view packed) {
  Details details;
  details.device = cut(packed);
  details.address = cut(packed);
  details.agent = cut(packed);
  return details;
}

Details details_of(const SessionView& session) {
  static Statement fetch = {
      "SELECT device, host(ip_address), user_agent FROM %s.presence_sessions "
      "WHERE session_id = $1 AND connected_at = $2",
      2,
      {TEXTOID, TIMESTAMPTZOID}};
  if (session.has_details) return unpack_details(session.details());
  MemoryContext caller = CurrentMemoryContext;
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(session.id()), TimestampTzGetDatum(session.connected_at)};
  Details details;
  if (run_fresh(fetch, values, nullptr) > 0) {
    std::string_view* parts[] = {&details.device, &details.address, &details.agent};
    for (int i = 0; i < 3; i++) {
      Datum value;
      if (!get_value(0, i + 1, value)) continue;
      MemoryContext before = MemoryContextSwitchTo(caller);
      *parts[i] = kept(text_of(value));
      MemoryContextSwitchTo(before);
    }
  }
  access.end();
  return details;
}

}  // namespace presence
