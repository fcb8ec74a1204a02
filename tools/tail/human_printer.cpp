// human_printer.cpp: columns, colours, and which keys of an event are worth a look.
#include "human_printer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <unistd.h>

#include "output.h"

namespace tail {
namespace {

constexpr std::size_t event_width = 19;  // user_status_changed
constexpr std::size_t widest_channel = 24;

bool wants_color() {
  const char* const no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) && (no_color == nullptr || *no_color == '\0');
}

std::size_t width_of_channels(const std::vector<std::string>& channels) {
  if (channels.size() == 1) return 0;
  std::size_t width = 0;
  for (const std::string& channel : channels) width = std::max(width, channel.size());
  return std::min(width, widest_channel);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// "2026-11-24T03:45:00.123Z" as the time of day here.
std::string time_of_day(const std::string& timestamp) {
  std::tm utc = {};
  const char* const rest = strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) return timestamp;
  const std::time_t seconds = timegm(&utc);
  std::tm local = {};
  localtime_r(&seconds, &local);
  std::array<char, 16> text;
  std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data() +
         std::string(rest, std::min<std::size_t>(4, std::string(rest).size()));  // .123
}

const char* color_of(const std::string& status) {
  if (status == "online") return "32";
  if (status == "away") return "33";
  if (status == "busy") return "31";
  return "2";
}

void append(std::string& line, const std::string& text) {
  if (text.empty()) return;
  if (!line.empty()) line += "  ";
  line += text;
}

std::string in_parentheses(const std::string& text) { return text.empty() ? "" : "(" + text + ")"; }

std::string in_quotes(const std::string& text) { return text.empty() ? "" : "\"" + text + "\""; }

// A member as JSON, where it is there and not null.
std::string json_in(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() ? "" : member->dump();
}

// A name says more than an id.
std::string name_in(const Json& event) {
  const auto user = event.find("user");
  return user != event.end() && user->is_object() ? text_in(*user, "name") : "";
}

}  // namespace

HumanPrinter::HumanPrinter(const Options& options)
    : has_color_(wants_color()), channel_width_(width_of_channels(options.channels)) {}

void HumanPrinter::print_event(const std::string& channel, const Event& event) {
  std::string line = beginning(text_in(event.fields, "timestamp"), channel, event.kind);
  append(line, harmless(text_in(event.fields, "user_id")));
  append(line, details(event));
  print_line(line);
}

void HumanPrinter::print_snapshot(const std::string& channel, const Snapshot& snapshot) {
  const Json fields = parse_json(snapshot.text);
  const std::string at = text_in(fields, "at");
  const Json& users = fields.at("users");
  const bool is_truncated = fields.value("truncated", false);
  print_line(beginning(at, channel, "snapshot") + "  " + std::to_string(users.size()) +
             (is_truncated ? " here and more; --max-users says how many are shown" : " here"));
  for (const Json& user : users) {
    std::string line = beginning(at, channel, "");
    append(line, harmless(text_in(user, "user_id")));
    append(line, status(text_in(user, "status")));
    append(line, harmless(text_in(user, "name")));
    append(line, harmless(in_quotes(text_in(user, "status_message"))));
    print_line(line);
  }
}

void HumanPrinter::print_resync(const std::string& channel, const Position& position) {
  print_line("-- " + harmless(channel) +
             ": some events were missed and are not known any more; going on from " +
             text_of(position));
}

std::string HumanPrinter::beginning(const std::string& timestamp, const std::string& channel,
                                    const std::string& event) const {
  std::string line = in_color("2", time_of_day(timestamp));
  if (channel_width_ > 0) line += "  " + padded(harmless(channel), channel_width_);
  return line + "  " + padded(event, event_width);
}

std::string HumanPrinter::details(const Event& event) const {
  const Json& fields = event.fields;
  std::string text = change_of_status(fields);
  for (const std::string& part :
       {in_parentheses(text_in(fields, "reason")), in_quotes(text_in(fields, "status_message")),
        name_in(fields), text_in(fields, "user_name"), json_in(fields, "cursor_position"),
        json_in(fields, "selection_range"), json_in(fields, "state"), json_in(fields, "members")})
    append(text, harmless(part));
  if (fields.value("truncated", false)) append(text, "(truncated)");
  return text;
}

std::string HumanPrinter::change_of_status(const Json& event) const {
  const std::string before = text_in(event, "previous_status");
  const std::string now = text_in(event, "status");
  if (before.empty() || before == now) return status(now);
  return status(before) + " → " + status(now);
}

std::string HumanPrinter::status(const std::string& name) const {
  return name.empty() ? "" : in_color(color_of(name), harmless(name));
}

std::string HumanPrinter::in_color(const char* color, const std::string& text) const {
  return has_color_ ? "\033[" + std::string(color) + "m" + text + "\033[0m" : text;
}

}  // namespace tail
