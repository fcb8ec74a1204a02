// visibility_rows.h: the rows of presence_visibility and presence_contacts: all that one user says
// about who sees it.
//
// Plain memory of the current context. `shown` is a jsonb, see shown.h; empty is NULL.
#pragma once

#include <span>

#include "postgres/tables/shown.h"

namespace presence {

// Of a user: each change looks at all of them.
inline constexpr int max_relations = 5000;
// Of a user, what single viewers are shown who see nothing: each may take 7 kB.
inline constexpr std::size_t max_shown = 100;
inline constexpr int max_channel_rules = 1000;

struct RuleRow {
  std::string_view channel_id;  // empty: everywhere
  std::optional<Rule> rule;     // nothing, everywhere only: the row just keeps what is shown
  std::string_view shown;       // everywhere only
  std::string_view shown_to_contacts;

  std::string_view key() const { return channel_id; }
  bool says_something() const { return rule || !shown.empty() || !shown_to_contacts.empty(); }
  bool operator==(const RuleRow&) const = default;
};

struct RelationRow {
  std::string_view contact_id;
  bool is_contact = false;
  bool is_blocked = false;
  Detail own = Detail::nothing;  // nothing: none
  std::string_view shown = {};

  std::string_view key() const { return contact_id; }
  bool says_something() const { return is_contact || is_blocked || !shown.empty(); }
  bool operator==(const RelationRow&) const = default;
};

// In the order of their keys.
struct VisibilityRows {
  RuleRow of_user;
  std::span<RuleRow> of_channels;
  std::span<RelationRow> relations;
  bool is_lost = false;  // there should be some: nobody knows what they say

  // Until they are known, or said anew, nobody sees the user.
  std::optional<Rule> rule() const {
    return is_lost ? Rule{Audience::nobody, Detail::full} : of_user.rule;
  }
  bool empty() const {
    return !of_user.says_something() && of_channels.empty() && relations.empty();
  }
};

// What a query of user_presence asks for to have them: NULL for whoever has none.
#define PRESENCE_VISIBILITY_COLUMNS                                                            \
  "has_visibility, "                                                                           \
  "CASE WHEN has_visibility THEN (SELECT array_agg(ARRAY[v.channel_id, v.audience, v.detail] " \
  "ORDER BY v.channel_id) FROM %s.presence_visibility v "                                      \
  "WHERE v.user_id = user_presence.user_id) END, "                                             \
  "CASE WHEN has_visibility THEN (SELECT ARRAY[v.shown, v.shown_to_contacts] "                 \
  "FROM %s.presence_visibility v "                                                             \
  "WHERE v.user_id = user_presence.user_id AND v.channel_id = '') END, "                       \
  "CASE WHEN has_visibility THEN (SELECT array_agg(ARRAY[c.contact_id, c.is_contact::text, "   \
  "c.is_blocked::text, c.detail] ORDER BY c.contact_id) FROM %s.presence_contacts c "          \
  "WHERE c.user_id = user_presence.user_id) END, "                                             \
  "CASE WHEN has_visibility THEN (SELECT array_agg(c.shown ORDER BY c.contact_id) "            \
  "FROM %s.presence_contacts c WHERE c.user_id = user_presence.user_id) END"

// Of a row of the last result whose columns from `first` on are those.
VisibilityRows visibility_in(uint64 row, int first);
// The same as memory wants it; none: the user has no rules.
const VisibilityFacts* visibility_facts_in(uint64 row, int first);

// None for no rows.
VisibilityFacts* facts_of(const VisibilityRows& rows);

// In an open scope: as the transaction sees them, with its own changes.
VisibilityRows read_visibility(std::string_view user_id);
// The same as everybody sees them just now, with its own changes too.
VisibilityRows read_visibility_fresh(std::string_view user_id);

// Writes what is different, and into the user's row, which is locked, whether there are any.
void write_visibility(std::string_view user_id, const VisibilityRows& before,
                      const VisibilityRows& after, Time now);

}  // namespace presence
