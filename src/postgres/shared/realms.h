// realms.h: the realms of the databases in shared memory. Guarded by the realms lock.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

constexpr uint64_t realm_identity(Oid database, Oid extension) {
  return uint64_t{database} << 32 | extension;
}

// Finds or makes the realm; `epoch` is for a new one. Invalid when all slots are taken.
RealmRef open_realm(uint64_t identity, uint64_t epoch, Audience default_audience);

// Frees a realm whose extension was dropped.
void close_realm(const RealmRef& realm);

// Frees the other realms of the same database: extensions that are no more. For those who know that
// the extension with this identity is committed.
void close_other_realms(uint64_t identity);

// Frees the realms of all databases but these. The caller makes sure that no database can appear
// meanwhile.
void forget_missing_databases(const Oid* existing, int count);

// Empties a realm under a new epoch; users whom a transaction claims become blank.
void reset_realm(const RealmRef& realm, uint64_t epoch);

// Calls `use` with each realm there is.
void for_each_realm(void (*use)(const RealmRef&, void*), void* context);

}  // namespace presence
