// event_json.cpp: writing JSON into a fixed buffer.
//
// The longest event is far below max_payload_bytes: an id of 128 bytes and a message of 500
// characters, of which each may become six bytes. A message out of a row that somebody else
// wrote may have more characters; then it is left out.
#include "event_json.h"

#include <charconv>
#include <chrono>
#include <cstring>

#include "events.h"

namespace presence {

namespace {

constexpr std::string_view kind_names[] = {
    "user_status_changed", "user_joined",        "user_left",      "user_updated",
    "cursor_moved",        "state_changed",      "typing_start",   "typing_stop",
    "channel_occupancy",   "visibility_changed", "presence_resync"};

// What may come behind the user or a cursor: a null, the timestamp, `truncated` and the end.
constexpr std::size_t end_bytes = 100;

// It tells what others see of a user, rather than of what it does in a channel.
bool is_about_status(EventKind kind) { return kind <= EventKind::user_updated; }

// A change of status has the user only for those who may not know it.
bool has_user(const EventFacts& event) {
  switch (event.kind) {
    case EventKind::user_joined:
    case EventKind::user_left:
    case EventKind::user_updated:
      return true;
    case EventKind::user_status_changed:
      return !event.user.empty();
    default:
      return false;
  }
}

void write_digits(uint64_t number, int digits, char* to) {
  for (int i = digits - 1; i >= 0; i--, number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

constexpr std::size_t longest_escape = 6;

// An upper bound of what the text takes in JSON.
std::size_t escaped_bytes(std::string_view text) {
  std::size_t bytes = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      bytes += longest_escape;
    else
      bytes += c == '"' || c == '\\' ? 2 : 1;
  }
  return bytes;
}

class Json {
 public:
  explicit Json(char* to) : start_(to), at_(to) { *at_++ = '{'; }

  void text(std::string_view name, std::string_view value) {
    key(name);
    *at_++ = '"';
    for (const char c : value) escaped(c);
    *at_++ = '"';
  }
  void text_or_null(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      text(name, value);
      return;
    }
    key(name);
    raw("null");
  }
  void yes(std::string_view name) {
    key(name);
    raw("true");
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    raw(value ? "true" : "false");
  }
  void number(std::string_view name, uint64_t value) {
    key(name);
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
  }
  void object(std::string_view name, std::string_view json) {
    key(name);
    raw(json);
  }
  void open(std::string_view name) {
    key(name);
    *at_++ = '{';
    first_ = true;
  }
  void close() {
    *at_++ = '}';
    first_ = false;
  }
  std::size_t length() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  void raw(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void key(std::string_view name) {
    if (!first_) *at_++ = ',';
    first_ = false;
    *at_++ = '"';
    raw(name);
    raw("\":");
  }
  // RFC 8259, section 7.
  void escaped(char c) {
    static constexpr char hex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        raw("\\\"");
        return;
      case '\\':
        raw("\\\\");
        return;
      case '\n':
        raw("\\n");
        return;
      case '\r':
        raw("\\r");
        return;
      case '\t':
        raw("\\t");
        return;
      default:
        break;
    }
    if (byte >= 0x20 && byte != 0x7f) {
      *at_++ = c;
      return;
    }
    raw("\\u00");
    *at_++ = hex[byte >> 4];
    *at_++ = hex[byte & 15];
  }

  char* start_;
  char* at_;
  bool first_ = true;
};

}  // namespace

void write_epoch(uint64_t epoch, char* to) {
  static constexpr char hex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < epoch_bytes; i++) to[i] = hex[(epoch >> (60 - 4 * i)) & 15];
}

void write_timestamp(Time at, char* to) {
  using namespace std::chrono;
  constexpr sys_days postgres_epoch = year{2000} / January / 1;
  const sys_time<microseconds> time = postgres_epoch + microseconds{at};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(time - day)};

  std::memcpy(to, "0000-00-00T00:00:00.000Z", timestamp_bytes);
  write_digits(static_cast<uint64_t>(static_cast<int>(date.year())), 4, to);
  write_digits(static_cast<unsigned>(date.month()), 2, to + 5);
  write_digits(static_cast<unsigned>(date.day()), 2, to + 8);
  write_digits(static_cast<uint64_t>(clock.hours().count()), 2, to + 11);
  write_digits(static_cast<uint64_t>(clock.minutes().count()), 2, to + 14);
  write_digits(static_cast<uint64_t>(clock.seconds().count()), 2, to + 17);
  write_digits(static_cast<uint64_t>(clock.subseconds().count()), 3, to + 20);
}

std::size_t write_user_key(std::string_view user_id, char* to) {
  char object[max_user_key_bytes + 1];
  Json json(object);
  json.text("user_id", user_id);
  std::memcpy(to, object + 1, json.length() - 1);
  return json.length() - 1;
}

std::size_t write_event(const EventFacts& event, char* to) {
  char epoch[epoch_bytes];
  write_epoch(event.epoch, epoch);
  char timestamp[timestamp_bytes];
  write_timestamp(event.at, timestamp);

  bool truncated = escaped_bytes(event.message) > longest_escape * max_message_characters;
  Json json(to);
  json.number("v", 1);
  json.text("epoch", {epoch, epoch_bytes});
  json.number("seq", event.seq);
  json.number("prev", event.prev);
  json.text("channel", event.channel);
  json.text("event", kind_names[static_cast<uint8_t>(event.kind)]);
  if (event.audience) {
    json.text("audience", name_of(*event.audience));
    json.text("detail", name_of(event.detail));
  }
  // What does not fit is left out, which `truncated` tells.
  const auto json_or_null = [&](std::string_view name, std::string_view value) {
    const bool fits = json.length() + name.size() + value.size() + end_bytes <= max_payload_bytes;
    truncated |= !value.empty() && !fits;
    json.object(name, value.empty() || !fits ? std::string_view{"null"} : value);
  };
  if (is_about_status(event.kind)) {
    json.text("user_id", event.user_id);
    json.text("status", name_of(event.status));
    json.text("previous_status", name_of(event.previous_status));
    json.text_or_null("status_message", truncated ? std::string_view{} : event.message);
    json.text("reason", event.reason);
  }
  switch (event.kind) {
    case EventKind::cursor_moved:
      json.text("user_id", event.user_id);
      json_or_null("cursor_position", event.cursor);
      json_or_null("selection_range", event.selection);
      break;
    case EventKind::state_changed:
      json.text("user_id", event.user_id);
      json_or_null("state", event.state);
      break;
    case EventKind::typing_start:
      json.text("user_id", event.user_id);
      json.text_or_null("user_name", event.user_name);
      break;
    case EventKind::typing_stop:
      json.text("user_id", event.user_id);
      json.text("reason", event.reason);
      break;
    case EventKind::visibility_changed:
      json.text("user_id", event.user_id);
      json.text("status", name_of(event.status));
      break;
    case EventKind::channel_occupancy:
      json.number("members", event.members);
      json.boolean("large", event.large);
      break;
    default:
      break;
  }
  if (event.kind == EventKind::user_updated && event.hides_place)
    for (const std::string_view name : {"cursor_position", "selection_range", "state"})
      json.text_or_null(name, {});
  if (has_user(event)) {
    const auto fits = [&](std::string_view user) {
      return !user.empty() && json.length() + user.size() + end_bytes <= max_payload_bytes;
    };
    truncated |= !event.user.empty() && !fits(event.user);
    if (fits(event.user)) {
      json.object("user", event.user);
    } else if (fits(event.brief_user)) {
      json.object("user", event.brief_user);
    } else {
      json.open("user");
      json.text("id", event.user_id);
      json.text_or_null("name", {});
      json.text_or_null("avatar", {});
      json.close();
    }
  }
  json.text("timestamp", {timestamp, timestamp_bytes});
  if (truncated) json.yes("truncated");
  json.close();
  return json.length();
}

}  // namespace presence
