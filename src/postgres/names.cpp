// names.cpp: prefix and channel.
#include "postgres/names.h"

#include "postgres/settings.h"

namespace presence {

void notify_name(std::string_view channel, char* to) {
  const char* prefix = settings.notify_prefix ? settings.notify_prefix : "";
  to[write_channel_name(prefix, channel, to)] = '\0';
}

}  // namespace presence
