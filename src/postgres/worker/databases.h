// databases.h: the utility hook: commands on whole databases, and COPY FROM.
//
// DROP, RENAME, SET TABLESPACE and CREATE ... TEMPLATE need a database without connections. The
// hook holds the worker off (launcher_table.h) until the command's transaction ends, or until the
// command fails. It owns no shared state.
#pragma once

namespace presence {

// Puts our hook before those that are there, and follows the ends of transactions. In _PG_init,
// when preloaded.
void install_utility_hook();

}  // namespace presence
