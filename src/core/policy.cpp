// policy.cpp: telling policies apart where there is room for a number only.
#include "policy.h"

namespace presence {

// FNV-1a over the settings as numbers.
uint64_t mark_of(const Policy& policy) {
  const uint64_t settings[] = {static_cast<uint64_t>(policy.idle_timeout),
                               static_cast<uint64_t>(policy.offline_timeout),
                               static_cast<uint64_t>(policy.session_timeout),
                               static_cast<uint64_t>(policy.disconnect_grace),
                               static_cast<uint64_t>(policy.typing_timeout),
                               static_cast<uint64_t>(policy.cursor_interval),
                               static_cast<uint64_t>(policy.default_audience),
                               static_cast<uint64_t>(policy.application_decides)};
  uint64_t mark = 0xcbf29ce484222325;
  for (const uint64_t setting : settings) mark = (mark ^ setting) * 0x100000001b3;
  return mark | 1;
}

}  // namespace presence
