// types.cpp: the names of statuses and reasons, as they stand in SQL and events.
#include "types.h"

#include <array>

namespace presence {

namespace {

constexpr std::array<std::string_view, 4> status_names = {"offline", "away", "online", "busy"};

constexpr std::array<std::string_view, 14> reason_names = {
    "manual",  "activity",  "idle_timeout", "timeout", "disconnect", "logout",  "expired",
    "message", "forgotten", "connect",      "join",    "leave",      "stopped", "custom"};

template <typename Named, std::size_t count>
std::optional<Named> named(const std::array<std::string_view, count>& names,
                           std::string_view name) {
  for (std::size_t i = 0; i < count; i++)
    if (names[i] == name) return static_cast<Named>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Status status) { return status_names[static_cast<uint8_t>(status)]; }

std::optional<Status> status_named(std::string_view name) {
  return named<Status>(status_names, name);
}

std::string_view name_of(Reason reason) { return reason_names[static_cast<uint8_t>(reason)]; }

std::optional<Reason> reason_named(std::string_view name) {
  return named<Reason>(reason_names, name);
}

}  // namespace presence
