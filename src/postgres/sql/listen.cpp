// listen.cpp: LISTEN and UNLISTEN with the right name, whatever its letters and length.
#include "postgres/extension.h"
#include "postgres/names.h"
#include "postgres/sql/arguments.h"
#include "postgres/tables/access.h"

extern "C" {
#include "commands/async.h"
}

namespace presence {

namespace {

void name_argument(FunctionCallInfo call, char* name) {
  notify_name(channel_argument(call, 0), name);
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_notify_channel) {
  if (!shared.attached()) raise_not_preloaded();
  char name[max_channel_bytes + 1];
  name_argument(fcinfo, name);
  PG_RETURN_DATUM(text_datum(name));
}

PRESENCE_FUNCTION(presence_listen) {
  if (!shared.attached()) raise_not_preloaded();
  char name[max_channel_bytes + 1];
  name_argument(fcinfo, name);
  require_primary("presence_listen()");
  Async_Listen(name);
  PG_RETURN_DATUM(text_datum(name));
}

PRESENCE_FUNCTION(presence_unlisten) {
  if (!shared.attached()) raise_not_preloaded();
  char name[max_channel_bytes + 1];
  name_argument(fcinfo, name);
  require_primary("presence_unlisten()");
  Async_Unlisten(name);
  PG_RETURN_DATUM(text_datum(name));
}
