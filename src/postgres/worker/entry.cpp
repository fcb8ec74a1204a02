// entry.cpp: the life of a database worker: claim the database, connect, look for the extension,
// run, leave.
//
// Errors are not caught here: the process ends with code 1, and the launcher starts another one
// after a back-off.
#include "postgres/worker/entry.h"

#include "postgres/boundary.h"
#include "postgres/worker/launcher_table.h"
#include "postgres/worker/worker.h"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "commands/extension.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
}

namespace presence {

namespace {

struct FixedSetting {
  const char* name;
  const char* value;
};

// What a user may have set for the database or the cluster, and a process of ours does not bear.
// Some came after 13.
constexpr FixedSetting fixed_settings[] = {
    {"statement_timeout", "0"},
    {"lock_timeout", "0"},
    {"transaction_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"idle_session_timeout", "0"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_deferrable", "off"},
    {"synchronous_commit", "off"},
    {"search_path", "pg_catalog, pg_temp"},
    {"DateStyle", "ISO, YMD"},
    {"TimeZone", "UTC"},
};

bool is_known(const char* setting) { return GetConfigOption(setting, true, false) != nullptr; }

void fix_setting(const char* name, const char* value) {
  SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

// ALTER DATABASE ... SET role would make the worker somebody else.
void connect_to(Oid database) {
  BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
  SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, 0);
}

Oid find_extension() {
  pgstat_report_activity(STATE_RUNNING, "looking for the extension");
  StartTransactionCommand();
  const Oid extension = get_extension_oid("presence", true);
  CommitTransactionCommand();
  pgstat_report_activity(STATE_IDLE, nullptr);
  return extension;
}

// True when the extension is no more; false when the worker only leaves for a while.
bool run_until_dropped(Oid extension) {
  report_running();
  return run_worker(extension) == WorkerEnd::extension_dropped;
}

}  // namespace

void prepare_process(const char* application_name) {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  for (const FixedSetting& setting : fixed_settings)
    if (is_known(setting.name)) fix_setting(setting.name, setting.value);
  fix_setting("application_name", application_name);
}

}  // namespace presence

extern "C" void presence_worker_main(Datum argument) {
  using namespace presence;
  const Oid database = DatumGetObjectId(argument);
  prepare_process("presence worker");
  if (!claim_database(database)) return;
  connect_to(database);
  const Oid extension = find_extension();
  if (!OidIsValid(extension) || run_until_dropped(extension)) report_no_extension();
}
