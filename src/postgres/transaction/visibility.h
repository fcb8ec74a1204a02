// visibility.h: one durable change of who sees a user, from the checked arguments to the rows.
//
// The rules of a user are read, changed in a copy and written as a difference, with the user's row
// locked; memory gets the whole of them at COMMIT.
//
// Whoever stops seeing a user goes on seeing it as it was just then, offline. So each change works
// out what everybody concerned saw before it and sees after it, and keeps what that was (`shown`).
#pragma once

#include "postgres/tables/visibility_rows.h"
#include "postgres/transaction/transaction.h"

namespace presence {

// A user's rule, in a channel or, without one, everywhere; nothing takes it away. Raises 54000 when
// there are too many.
void make_rule(std::string_view user_id, std::string_view channel_id, std::optional<Rule> rule);

// These return whether something has changed, or how many contacts have come or gone. `own` is the
// contact's own detail; nothing: the rules say. The ids of contacts are in the order of their
// bytes, each once. Raise 54000 when there are too many.
bool make_contact(std::string_view user_id, std::string_view contact_id, Detail own);
bool make_no_contact(std::string_view user_id, std::string_view contact_id);
int make_contacts(std::string_view user_id, std::span<const std::string_view> contact_ids);
bool make_blocked(std::string_view user_id, std::string_view other);
bool make_unblocked(std::string_view user_id, std::string_view other);

// Takes a user who is about to be forgotten out of what others say. Whether anybody said anything.
bool make_unknown_to_others(std::string_view user_id);

// Rules came by a restore: who may be in memory without them gets them when this transaction
// commits, just before which it is called.
void make_restored_rules_known();

}  // namespace presence
