// settings.h: the presence.* settings.
#pragma once

#include "core/policy.h"
#include "postgres/boundary.h"

namespace presence {

struct Settings {
  int idle_timeout;        // ms
  int offline_timeout;     // ms
  int session_timeout;     // ms
  int disconnect_grace;    // ms
  int broadcast_interval;  // ms
  int flush_interval;      // ms
  int memory;              // kB
  int event_buffer;        // kB
  int history_retention;   // minutes
  int activity_retention;  // minutes
  int typing_timeout;      // ms
  int cursor_interval;     // ms
  int large_channel;       // members
  char* authorize_function;
  char* trusted_gateways;
  int user_rate;  // calls a second
  bool global_broadcast;
  char* notify_prefix;
  int default_audience;  // an Audience
  char* private_channel;
  char* can_see_function;
  char* firehose_channel;
  bool wal_messages;
};
extern Settings settings;

// In _PG_init, when preloaded.
void define_settings();

Policy current_policy();

// Where those listen who may know everything, and who hears all that everybody may; empty: nowhere.
std::string_view private_channel();
std::string_view firehose_channel();

// A warning in the log for each combination that makes no sense. Called by the launcher.
void warn_about_settings();

}  // namespace presence
