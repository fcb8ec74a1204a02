// kinds.h: the kinds of transactions whose COMMIT is measured.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace latency {

constexpr const char* marker = "latency ";  // before the number, in each payload
constexpr int callers = 16;                 // users whose statuses are set in turn

struct Kind {
  const char* name;
  // What comes between BEGIN and COMMIT; a notification has the marker and the number.
  std::vector<std::string> (*statements)(long number);
};

inline std::string message_of(long number) { return marker + std::to_string(number) + "."; }

inline std::string notify(long number) {
  return "NOTIFY latency_bare, '" + message_of(number) + "'";
}

// In turn, so that a change is not merged with the one before when that has not been told yet.
inline std::string set_status(long number) {
  return "SELECT presence_set_status('latency_caller_" + std::to_string(number % callers) +
         "', 'busy', '" + message_of(number) + "')";
}

inline const std::array<Kind, 3> all_kinds{{
    // Writes no row, so PostgreSQL lets it never wait for the disk.
    {"NOTIFY", [](long number) { return std::vector{notify(number)}; }},
    {"UPDATE, NOTIFY",
     [](long number) {
       return std::vector{std::string("UPDATE latency_row SET n = n + 1"), notify(number)};
     }},
    {"presence_set_status", [](long number) { return std::vector{set_status(number)}; }},
}};

}  // namespace latency
