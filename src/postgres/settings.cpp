// settings.cpp: definitions, defaults and checks.
//
// The rules must be the same for everybody, so nothing here can be set for one session, but
// authorize_function by a superuser: each database has its own (ALTER DATABASE ... SET).
// A pair of settings cannot be refused: PostgreSQL checks one at a time, in any order. So ALTER
// SYSTEM warns whoever calls it, and the launcher warns in the log.
#include "postgres/settings.h"

#include "core/channel_name.h"
#include "core/event_json.h"

extern "C" {
#include "access/xact.h"
#include "utils/guc.h"
#include "utils/varlena.h"
}

namespace presence {

Settings settings;

namespace {

constexpr int second_ms = 1000;
constexpr int minute_ms = 60 * second_ms;
constexpr int max_ms = 24 * 24 * 60 * minute_ms;  // an int holds 24 days of milliseconds
constexpr int shortest_timeout = 100;             // ms, so that a build can be tried quickly
constexpr int max_prefix_bytes = 30;
constexpr int sensible_session_timeout = 20 * second_ms;

void duration(const char* name, const char* what, int* value, int preset, int least,
              GucIntCheckHook check) {
  DefineCustomIntVariable(name, what, nullptr, value, preset, least, max_ms, PGC_SIGHUP,
                          GUC_UNIT_MS, check, nullptr, nullptr);
}

// Somebody is setting it just now, rather than a process reading the file again.
bool is_being_set() { return MyProcPort != nullptr && IsTransactionState(); }

bool check_idle_timeout(int* value, void**, GucSource source) {
  if (is_being_set() && source == PGC_S_FILE && *value >= settings.offline_timeout)
    ereport(WARNING, (errmsg("presence.idle_timeout is not below presence.offline_timeout"),
                      errhint("Users would go offline without ever being away. Raise "
                              "presence.offline_timeout as well.")));
  return true;
}

bool check_offline_timeout(int* value, void**, GucSource source) {
  if (is_being_set() && source == PGC_S_FILE && *value <= settings.idle_timeout)
    ereport(WARNING, (errmsg("presence.offline_timeout is not above presence.idle_timeout"),
                      errhint("Users would go offline without ever being away. Lower "
                              "presence.idle_timeout as well.")));
  return true;
}

bool check_session_timeout(int* value, void**, GucSource source) {
  if (is_being_set() && source == PGC_S_FILE && *value < sensible_session_timeout)
    ereport(WARNING, (errmsg("presence.session_timeout is below 20 seconds"),
                      errhint("Clients are heard of every 10 seconds at best; after a restart some "
                              "would be told to be offline who are not.")));
  return true;
}

bool check_typing_timeout(int* value, void**, GucSource source) {
  if (is_being_set() && source == PGC_S_FILE && *value >= settings.idle_timeout)
    ereport(WARNING, (errmsg("presence.typing_timeout is not below presence.idle_timeout"),
                      errhint("People would be seen typing who are away.")));
  return true;
}

bool check_prefix(char** value, void**, GucSource) {
  if (*value == nullptr || strlen(*value) <= max_prefix_bytes) return true;
  GUC_check_errdetail("A prefix has at most %d bytes, since the name of a channel has at most 63.",
                      max_prefix_bytes);
  return false;
}

// With a schema: otherwise the caller's search_path would choose the function.
bool check_function_name(char** value, void**, GucSource) {
  if (*value == nullptr || **value == '\0' || strchr(*value, '.') != nullptr) return true;
  GUC_check_errdetail("The function must be named with its schema, like app.may_join.");
  return false;
}

// A channel beside those that everybody knows.
bool check_special_channel(char** value, void**, GucSource) {
  const std::string_view channel = *value ? *value : "";
  if (channel == global_channel) {
    GUC_check_errdetail("\"global_presence\" has its own events.");
    return false;
  }
  if (channel.size() <= max_channel_id_bytes) return true;
  GUC_check_errdetail("The name of a channel has at most %zu bytes.", max_channel_id_bytes);
  return false;
}

const config_enum_entry audiences[] = {{"everyone", static_cast<int>(Audience::everyone), false},
                                       {"channel", static_cast<int>(Audience::channel), false},
                                       {"contacts", static_cast<int>(Audience::contacts), false},
                                       {"nobody", static_cast<int>(Audience::nobody), false},
                                       {nullptr, 0, false}};

bool check_role_list(char** value, void**, GucSource) {
  ::List* names = nullptr;
  char* list = pstrdup(*value ? *value : "");
  const bool is_list = SplitIdentifierString(list, ',', &names);
  list_free(names);
  pfree(list);
  if (!is_list) GUC_check_errdetail("It must be a list of roles, separated by commas.");
  return is_list;
}

}  // namespace

void define_settings() {
  duration("presence.idle_timeout", "Without activity for so long, an online user counts as away.",
           &settings.idle_timeout, 5 * minute_ms, shortest_timeout, check_idle_timeout);
  duration("presence.offline_timeout",
           "Without activity for so long, a session that sends no heartbeats ends.",
           &settings.offline_timeout, 30 * minute_ms, shortest_timeout, check_offline_timeout);
  duration("presence.session_timeout",
           "Without a heartbeat or a touch for so long, a session that sends heartbeats ends.",
           &settings.session_timeout, 90 * second_ms, shortest_timeout, check_session_timeout);
  duration("presence.disconnect_grace",
           "A session that is disconnected ends so much later, unless the user is back by then.",
           &settings.disconnect_grace, 10 * second_ms, 0, nullptr);
  duration("presence.typing_timeout", "Typing ends by itself so long after it was said last.",
           &settings.typing_timeout, 3 * second_ms, shortest_timeout, check_typing_timeout);
  DefineCustomIntVariable("presence.cursor_interval",
                          "At most one cursor or state of a member is told in so long.", nullptr,
                          &settings.cursor_interval, 50, 1, 10 * second_ms, PGC_SIGHUP, GUC_UNIT_MS,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("presence.large_channel",
                          "Above so many members a channel tells how many they are, instead of who "
                          "comes and goes.",
                          "Below 80 % of it who comes and goes is told again.",
                          &settings.large_channel, 500, 1, INT_MAX, PGC_SIGHUP, 0, nullptr, nullptr,
                          nullptr);
  DefineCustomStringVariable(
      "presence.authorize_function",
      "The application's function that says who may join a channel or type in it.",
      "Its name with its schema; it takes user_id, channel_id and action as text and returns "
      "boolean.",
      &settings.authorize_function, "", PGC_SUSET, 0, check_function_name, nullptr, nullptr);
  DefineCustomStringVariable(
      "presence.trusted_gateways",
      "The logins whose claims about the user of a request are believed.",
      "A list of roles, separated by commas: PostgREST's authenticator, or Hasura's own.",
      &settings.trusted_gateways, "", PGC_SIGHUP, GUC_LIST_INPUT, check_role_list, nullptr,
      nullptr);
  DefineCustomIntVariable(
      "presence.user_rate",
      "So many touches, cursors, states and typings a second of a user who acts "
      "for itself are let through.",
      "0 lets all through.", &settings.user_rate, 50, 0, 65535, PGC_SIGHUP, 0, nullptr, nullptr,
      nullptr);
  DefineCustomIntVariable("presence.broadcast_interval",
                          "The first event goes out at once, the next ones in one batch per "
                          "interval.",
                          nullptr, &settings.broadcast_interval, 5, 1, 10 * second_ms, PGC_SIGHUP,
                          GUC_UNIT_MS, nullptr, nullptr, nullptr);
  duration("presence.flush_interval",
           "How often last_seen, page and counters are written to the tables.",
           &settings.flush_interval, minute_ms, shortest_timeout, nullptr);
  DefineCustomIntVariable("presence.memory", "Shared memory for all users of all databases.",
                          nullptr, &settings.memory, 128 * 1024, 4 * 1024, INT_MAX, PGC_POSTMASTER,
                          GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("presence.event_buffer", "Shared memory for events on their way.",
                          nullptr, &settings.event_buffer, 8 * 1024, 64, 1024 * 1024,
                          PGC_POSTMASTER, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("presence.history_retention", "How long history is kept.",
                          "Whole partitions of a week are dropped when all of it is older.",
                          &settings.history_retention, 90 * 24 * 60, 60, INT_MAX, PGC_SIGHUP,
                          GUC_UNIT_MIN, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("presence.activity_retention", "How long activities are kept.",
                          "Whole partitions of a week are dropped when all of it is older.",
                          &settings.activity_retention, 30 * 24 * 60, 60, INT_MAX, PGC_SIGHUP,
                          GUC_UNIT_MIN, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable(
      "presence.global_broadcast", "Whether changes are told on global_presence.", nullptr,
      &settings.global_broadcast, true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "presence.notify_prefix", "Comes before the name of each channel in LISTEN and NOTIFY.",
      nullptr, &settings.notify_prefix, "", PGC_SIGHUP, 0, check_prefix, nullptr, nullptr);
  DefineCustomEnumVariable("presence.default_audience",
                           "Who sees the users that have set no rule of their own.",
                           "everyone, channel (who shares one with the user), contacts or nobody.",
                           &settings.default_audience, static_cast<int>(Audience::everyone),
                           audiences, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "presence.private_channel",
      "The channel for trusted gateways: all that is not for everyone is told there.",
      "They ask presence_can_see() whom to tell. Empty: there is none.", &settings.private_channel,
      "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_special_channel, nullptr, nullptr);
  DefineCustomStringVariable("presence.firehose_channel",
                             "A channel on which every public event of every channel is told, too.",
                             "Each costs a second notification. Empty: there is none.",
                             &settings.firehose_channel, "", PGC_SIGHUP, 0, check_special_channel,
                             nullptr, nullptr);
  DefineCustomBoolVariable(
      "presence.wal_messages",
      "Whether every event is written to the WAL, as a logical message with the prefix presence.",
      "For change-data pipelines. It needs wal_level = logical to be of use.",
      &settings.wal_messages, false, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "presence.can_see_function", "The application's function that says who sees whom.",
      "Its name with its schema; it takes viewer, user_id and channel_id as text and returns text: "
      "full, status, last_seen or nothing; NULL: the rules decide.",
      &settings.can_see_function, "", PGC_SIGHUP, 0, check_function_name, nullptr, nullptr);
  reserve_guc_prefix_compat("presence");
}

std::string_view private_channel() {
  return settings.private_channel ? settings.private_channel : "";
}

std::string_view firehose_channel() {
  return settings.firehose_channel ? settings.firehose_channel : "";
}

Policy current_policy() {
  return {settings.idle_timeout * millisecond,
          settings.offline_timeout * millisecond,
          settings.session_timeout * millisecond,
          settings.disconnect_grace * millisecond,
          settings.typing_timeout * millisecond,
          settings.cursor_interval * millisecond,
          static_cast<Audience>(settings.default_audience),
          settings.can_see_function != nullptr && *settings.can_see_function != '\0',
          static_cast<uint32_t>(settings.large_channel)};
}

void warn_about_settings() {
  if (!firehose_channel().empty() && firehose_channel() == private_channel())
    ereport(WARNING, (errmsg("presence.firehose_channel and presence.private_channel are the same"),
                      errdetail("What is not for everybody is told there, too."),
                      errhint("Give them two names.")));
  if (settings.offline_timeout <= settings.idle_timeout)
    ereport(WARNING,
            (errmsg("presence.offline_timeout (%d ms) is not above presence.idle_timeout (%d ms)",
                    settings.offline_timeout, settings.idle_timeout),
             errhint("Users go offline without ever being away.")));
  if (settings.typing_timeout >= settings.idle_timeout)
    ereport(WARNING,
            (errmsg("presence.typing_timeout (%d ms) is not below presence.idle_timeout (%d ms)",
                    settings.typing_timeout, settings.idle_timeout),
             errhint("People are seen typing who are away.")));
  if (settings.session_timeout < sensible_session_timeout)
    ereport(WARNING, (errmsg("presence.session_timeout (%d ms) is below 20 seconds",
                             settings.session_timeout),
                      errhint("Clients are heard of every 10 seconds at best.")));
}

}  // namespace presence
