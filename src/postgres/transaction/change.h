// change.h: one durable change of one or many users, from the checked arguments to the rows.
#pragma once

#include "postgres/transaction/transaction.h"

namespace presence {

// Why, as it stands in history and events.
struct Why {
  Reason reason = Reason::manual;
  std::string_view text;  // of a `custom` reason

  std::string_view name() const { return reason == Reason::custom ? text : name_of(reason); }
};
Why why_of(std::string_view name);

struct WantedChange {
  std::string_view user_id;
  Change change;
  std::optional<std::string_view> message;  // nothing keeps the old one
  Why why;
};

// Claims, locks, applies to this transaction's view and writes rows and history. The users are
// different ones. Returns how many changed their status or message. `after` is the last one's.
int make_changes(const WantedChange* wanted, int count, UserView& after);

// Erases one user at COMMIT. Whether anything was known.
bool make_forgotten(std::string_view user_id);

}  // namespace presence
