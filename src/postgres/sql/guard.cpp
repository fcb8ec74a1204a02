// guard.cpp: the tables belong to the functions; and what the install script calls.
#include "postgres/extension.h"
#include "postgres/tables/access.h"
#include "postgres/transaction/restore.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "commands/extension.h"
#include "commands/trigger.h"
#include "utils/acl.h"
#include "utils/rel.h"
}

namespace presence {

namespace {

bool restores_own_table(const TriggerData* trigger) {
  return is_restoring() && has_privs_of_role(GetUserId(), trigger->tg_relation->rd_rel->relowner);
}

}  // namespace

}  // namespace presence

using namespace presence;

// A statement trigger. What a server without the library in shared_preload_libraries does to the
// tables is a restore: there is nothing in memory that it could contradict.
PRESENCE_FUNCTION(presence_guard) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("presence_guard() must be called as a trigger")));
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!shared.attached() || is_our_access() || restores_own_table(trigger)) return 0;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("cannot change \"%s\" directly", RelationGetRelationName(trigger->tg_relation)),
           errdetail("Memory and table would disagree."),
           errhint("Only the functions of presence do: presence_set_status(), presence_connect(), "
                   "presence_join(), presence_import(), presence_forget(), presence_reset().")));
  return 0;
}

// The last line of the install script: the worker starts when the transaction commits.
PRESENCE_FUNCTION(presence_created) {
  if (creating_extension) begin_creation(CurrentExtensionObject);
  if (shared.attached())
    start_at_commit();
  else
    ereport(WARNING, (errmsg("presence is not preloaded: its functions will not work yet"),
                      errhint("Add presence to shared_preload_libraries in postgresql.conf and "
                              "restart the server.")));
  PG_RETURN_VOID();
}
