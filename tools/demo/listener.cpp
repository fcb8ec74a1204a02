// listener.cpp: LISTEN, and events out of notifications.
#include "listener.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace demo {
namespace {

constexpr std::size_t most_recent = 200;

// A member that may be missing or null.
std::string text_of(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

Event parse(std::string_view payload) {
  const auto object = nlohmann::json::parse(payload);
  return {.channel = object.at("channel").get<std::string>(),
          .kind = object.at("event").get<std::string>(),
          .user = text_of(object, "user_id"),
          .previous = text_of(object, "previous_status"),
          .status = text_of(object, "status"),
          .reason = text_of(object, "reason"),
          .timestamp = object.at("timestamp").get<std::string>(),
          .seq = object.at("seq").get<int64_t>(),
          .prev = object.at("prev").get<int64_t>()};
}

// "2026-11-24T03:45:00.123Z" as seconds since 1970.
std::string seconds_of(const std::string& timestamp) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  char zone = 0;
  if (std::sscanf(timestamp.c_str(), "%4d-%2u-%2uT%2u:%2u:%lf%c", &year, &month, &day, &hour,
                  &minute, &second, &zone) != 7 ||
      zone != 'Z') {
    throw std::runtime_error("an event's timestamp is not a UTC time: " + timestamp);
  }
  const std::chrono::sys_days date =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const double whole = 86400.0 * static_cast<double>(date.time_since_epoch().count()) +
                       hour * 3600.0 + minute * 60.0;
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.6f", whole + second);
  return text.data();
}

}  // namespace

Listener::Listener(const std::string& connection_string, const std::vector<std::string>& rooms,
                   Table& log)
    : connection_(connection_string), log_(log) {
  connection_.query("SELECT presence_listen('global_presence')");
  for (const std::string& room : rooms) connection_.query("SELECT presence_listen($1)", {room});
}

void Listener::receive() {
  struct Free {
    void operator()(PGnotify* notification) const { PQfreemem(notification); }
  };
  if (PQconsumeInput(connection_.get()) != 1) connection_.fail();
  while (const std::unique_ptr<PGnotify, Free> notification{PQnotifies(connection_.get())})
    take(notification->extra);
}

void Listener::take(std::string_view payload) {
  Event event = parse(payload);
  log_.add({event.kind, event.user, event.previous, event.status, event.reason,
            seconds_of(event.timestamp), std::to_string(event.seq), std::to_string(event.prev),
            event.channel});
  ++heard_;
  ++counts_[{event.is_global() ? event.kind : event.kind + " in a room", event.reason}];
  if (event.is_global()) users_.insert(event.user);
  if (!event.is_global() && event.kind == "user_status_changed") return;
  recent_.push_front(std::move(event));
  if (recent_.size() > most_recent) recent_.pop_back();
}

}  // namespace demo
