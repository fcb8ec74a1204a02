// identity.h: as whom the caller acts.
//
// Whoever may execute presence_act_for_others() acts for anyone. All others act for themselves
// only: a user_id that they give is their own, or NULL. Who they are is told by the claims of the
// request when the login is one of presence.trusted_gateways, and otherwise by the login itself.
// Any SQL user can set those claims: from others they are not believed.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// In _PG_init.
void watch_identity();

bool acts_for_others();
// Whoever may execute presence_count_everybody() sees how many there are, hidden or not.
bool counts_everybody();

// The user for whom the caller acts. 42501 for anybody else than itself, when that is all it may;
// 22004 for NULL when it may act for anyone.
std::string_view acting_user_argument(FunctionCallInfo call, int number);
// Somebody of whom nothing is known, and whom nobody knows.
inline constexpr std::string_view nobody;

// On whose behalf the caller reads; nothing: it is trusted, and names nobody. Who acts for itself
// reads for itself, and a request of nobody for nobody, who sees what strangers see.
std::optional<std::string_view> viewer_id_argument(FunctionCallInfo call, int number);
// 42501 when the session belongs to somebody for whom the caller may not act.
void check_acting_session(const RealmRef& realm, std::string_view session_id);
// The same of a session whose id can be guessed: that of others is known only to whom they told it,
// like a page that is closing.
void check_known_session(const RealmRef& realm, std::string_view session_id);
// 42501 for a caller who acts for itself only.
void require_service(const char* what);
// 53400 when a user who acts for itself calls more often than presence.user_rate.
void limit_rate(const UserKey& user);

}  // namespace presence
