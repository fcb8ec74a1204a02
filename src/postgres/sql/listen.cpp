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

// 22004 NULL, 22023 empty, 22001 over 128 bytes.
void name_argument(FunctionCallInfo call, char* name) {
  const auto channel = text_argument(call, 0, "channel_id", max_channel_id_bytes);
  if (!channel) raise_null("channel_id");
  if (channel->empty())
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("channel_id must not be empty"),
             errhint("\"global_presence\" is the channel of everyone.")));
  notify_name(*channel, name);
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
  PreventCommandDuringRecovery("presence_listen()");
  Async_Listen(name);
  PG_RETURN_DATUM(text_datum(name));
}

PRESENCE_FUNCTION(presence_unlisten) {
  if (!shared.attached()) raise_not_preloaded();
  char name[max_channel_bytes + 1];
  name_argument(fcinfo, name);
  PreventCommandDuringRecovery("presence_unlisten()");
  Async_Unlisten(name);
  PG_RETURN_DATUM(text_datum(name));
}
