// types.cpp: the names of statuses and reasons, as they stand in SQL and events.
#include "types.h"

#include <array>

namespace presence {

namespace {

constexpr std::array<std::string_view, 4> status_names = {"offline", "away", "online", "busy"};

constexpr std::array<std::string_view, 9> reason_names = {
    "manual",     "activity", "idle_timeout", "timeout", "disconnect",
    "logout",     "expired",  "message",      "custom"};

}  // namespace

std::string_view name_of(Status status) {
  return status_names[static_cast<uint8_t>(status)];
}

std::optional<Status> status_named(std::string_view name) {
  for (uint8_t i = 0; i < status_names.size(); i++)
    if (status_names[i] == name) return static_cast<Status>(i);
  return std::nullopt;
}

std::string_view name_of(Reason reason) {
  return reason_names[static_cast<uint8_t>(reason)];
}

}  // namespace presence
