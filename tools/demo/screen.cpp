// screen.cpp: a frame of the terminal, or a line.
#include "screen.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

namespace demo {
namespace {

using namespace std::chrono_literals;

constexpr auto frame_interval = 100ms;
constexpr auto line_interval = 5s;
constexpr std::size_t list_width = 34;  // of 80; the events have the rest
constexpr std::size_t head_lines = 8;

constexpr const char* enter_screen = "\033[?1049h\033[?25l";
constexpr const char* leave_screen = "\033[?25h\033[?1049l";
constexpr const char* home = "\033[H";
constexpr const char* end_of_line = "\033[K\n";
constexpr const char* rest_of_screen = "\033[J";

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

Size size_of_terminal() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return {};
  return {size.ws_row, size.ws_col};
}

bool can_paint() {
  const char* kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string(kind) != "dumb";
}

bool wants_colour() {
  const char* no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

const char* colour_of(const std::string& status) {
  if (status == "online") return "\033[32m";
  if (status == "away") return "\033[33m";
  if (status == "busy") return "\033[31m";
  return "\033[2m";
}

std::string painted(const std::string& text, const char* colour) {
  return colour + text + "\033[0m";
}

std::string change_of(const Event& event) {
  if (event.kind == "typing_start") return "types in " + event.channel;
  if (event.kind == "typing_stop") return "stops in " + event.channel + ", " + event.reason;
  if (!event.is_global()) return event.kind + " in " + event.channel;
  if (event.kind != "user_status_changed") return event.kind;
  return event.previous + " > " + event.status + ", " + event.reason;
}

std::string line_of(const Event& event) {
  return fitted(std::to_string(event.seq), 7) + fitted(event.user, 10) + change_of(event);
}

std::string bar_of(double part) {
  std::string bar(20, '.');
  std::fill_n(bar.begin(), std::lround(part * 20), '#');
  return bar;
}

double rate(const Progress& progress) {
  return progress.seconds > 0 ? static_cast<double>(progress.calls_made) / progress.seconds : 0;
}

}  // namespace

Screen::Screen(const std::string& connection_string, bool plain, const Trace& trace, double speed)
    : connection_(connection_string),
      trace_(trace),
      speed_(speed),
      terminal_(!plain && can_paint()),
      colour_(wants_colour()),
      next_(std::chrono::steady_clock::now()) {
  connection_.prepare(
      "counts",
      "WITH listed AS (SELECT user_id, session_count FROM presence_online_users($1::int)), "
      "roamer AS (SELECT user_id FROM listed ORDER BY session_count DESC, user_id LIMIT 1) "
      "SELECT online, away, (SELECT coalesce(sum(session_count), 0) FROM listed), "
      "(SELECT coalesce(min(user_id) || ' in ' || string_agg(s.current_page, ', ' "
      "ORDER BY s.current_page), 'nobody') FROM roamer, presence_sessions(user_id) s) "
      "FROM presence_counts()");
  connection_.prepare("rooms",
                      "SELECT coalesce(string_agg(room || ' ' || members, '  ' "
                      "ORDER BY members DESC, room), '') "
                      "FROM (SELECT room, presence_member_count(room) AS members "
                      "FROM unnest(string_to_array($1, E'\\n')) AS room "
                      "ORDER BY 2 DESC, 1 LIMIT 6) AS largest");
  connection_.prepare("list",
                      "SELECT user_id, status, coalesce(current_page, '') || "
                      "CASE WHEN session_count > 1 THEN ' +' || session_count - 1 ELSE '' END, "
                      "extract(epoch FROM clock_timestamp() - last_seen) "
                      "FROM presence_online_users(max_users => $1::int)");
  if (terminal_) std::fputs(enter_screen, stdout);
}

Screen::~Screen() {
  if (!terminal_) return;
  std::fputs(leave_screen, stdout);
  std::fflush(stdout);
}

void Screen::show(const Progress& progress, const Listener& listener) {
  if (terminal_) {
    paint(progress, listener);
    next_ = std::chrono::steady_clock::now() + frame_interval;
  } else {
    print_line(progress, listener);
    next_ = std::chrono::steady_clock::now() + line_interval;
  }
}

void Screen::paint(const Progress& progress, const Listener& listener) {
  const Size size = size_of_terminal();
  const std::size_t list_columns = std::min(list_width, size.columns);
  const std::size_t event_columns = size.columns - list_columns;
  std::string frame = home;
  // The last line stays empty, so that nothing ever scrolls.
  std::size_t lines_left = size.rows - 1;
  const auto put_line = [&](const std::string& line) {
    if (lines_left == 0) return;
    frame += line + end_of_line;
    --lines_left;
  };
  const auto fit = [&](const std::string& text) { return fitted(text, size.columns); };
  const auto in_colour = [&](const std::string& text, const std::string& status) {
    return colour_ ? painted(text, colour_of(status)) : text;
  };

  const double part = std::min(1.0, progress.trace_second / std::max(1.0, trace_.seconds()));
  const Counts now = counts();
  put_line(fit("presence-demo: " + grouped(trace_.people) + " users in " +
               std::to_string(trace_.rooms.size()) + " chat rooms, " + grouped(speed_) +
               " times as fast as life"));
  put_line(fit(bar_of(part) + " " + clock_time(progress.trace_second) + " of " +
               clock_time(trace_.seconds()) + "  " + grouped(progress.calls_made) + " calls, " +
               grouped(rate(progress)) + "/s"));
  put_line(fit("online " + now.online + "  away " + now.away + "  sessions " + now.sessions +
               "  events heard " + grouped(listener.heard())));
  put_line(fit("members: " + now.rooms));
  put_line(fit("in most rooms: " + now.roamer));
  put_line("");
  put_line(fit(fitted("online list, newest first", list_columns) + "events"));

  const std::size_t rows = size.rows > head_lines ? size.rows - head_lines : 0;
  const Result list = connection_.execute("list", {std::to_string(std::max<std::size_t>(rows, 1))});
  for (std::size_t row = 0; row < rows; ++row) {
    std::string left(list_columns, ' '), right;
    if (const int i = static_cast<int>(row); i < list.rows()) {
      const std::string seen = one_decimal(std::stod(list.text(i, 3))) + "s";
      left = in_colour(fitted(fitted(list.text(i, 0), 10) + fitted(list.text(i, 1), 7) +
                                  fitted(list.text(i, 2), 10) + seen,
                              list_columns),
                       list.text(i, 1));
    }
    if (row < listener.recent().size()) {
      const Event& event = listener.recent()[row];
      right = in_colour(fitted(line_of(event), event_columns), event.status);
    }
    put_line(left + right);
  }
  frame += rest_of_screen;
  std::fputs(frame.c_str(), stdout);
  std::fflush(stdout);
}

void Screen::print_line(const Progress& progress, const Listener& listener) {
  const Counts now = counts();
  const std::string last = listener.recent().empty()
                               ? ""
                               : "; last: " + listener.recent().front().user + " " +
                                     change_of(listener.recent().front());
  std::printf(
      "%s of %s  %6s calls, %s/s  online %s, away %s, sessions %s  %s events%s\n           %s\n",
      clock_time(progress.trace_second).c_str(), clock_time(trace_.seconds()).c_str(),
      grouped(progress.calls_made).c_str(), grouped(rate(progress)).c_str(), now.online.c_str(),
      now.away.c_str(), now.sessions.c_str(), grouped(listener.heard()).c_str(), last.c_str(),
      now.rooms.c_str());
  std::fflush(stdout);
}

Screen::Counts Screen::counts() {
  const Result result = connection_.execute("counts", {std::to_string(trace_.users.size() + 1)});
  const Result rooms = connection_.execute("rooms", {joined(trace_.rooms)});
  return {result.text(0, 0), result.text(0, 1), result.text(0, 2), result.text(0, 3),
          rooms.text(0, 0)};
}

}  // namespace demo
