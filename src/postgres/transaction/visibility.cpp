// visibility.cpp: the way of a rule from the call to the tables.
#include "postgres/transaction/visibility.h"

#include <algorithm>
#include <new>

#include "core/choices_text.h"
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/tables/each_row.h"
#include "postgres/tables/row_locks.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/change.h"

extern "C" {
#include "storage/lmgr.h"
}

namespace presence {

namespace {

constexpr int details = 4;

// The rules of one user while a change is made to a copy of them.
struct Editing {
  const ClaimedUser* user;
  const UserView* seen;  // just before the change
  Time now;
  VisibilityRows before;
  RuleRow of_user;
  RuleRow* of_channels;
  size_t channel_count;
  RelationRow* relations;  // those of before, in their places, and then new ones
  size_t relation_count;
  std::string_view snapshots[details];  // what is shown from now on, made when it is needed
  bool shows_or_hides;                  // somebody sees now who did not, or the other way round

  VisibilityRows after() const {
    return {of_user, {of_channels, channel_count}, {relations, relation_count}};
  }
};

template <typename Row>
Row* copied(std::span<const Row> rows, size_t more) {
  auto* copy = static_cast<Row*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Row) * (rows.size() + more)));
  for (size_t i = 0; i < rows.size(); i++) new (copy + i) Row(rows[i]);
  return copy;
}

// Room for one rule more, and for so many relations.
Editing edit(const ClaimedUser* user, const VisibilityRows& rows, const UserView& seen, Time now,
             size_t new_relations) {
  RuleRow of_user = rows.of_user;
  of_user.rule = rows.rule();
  return {user,
          &seen,
          now,
          rows,
          of_user,
          copied<RuleRow>(rows.of_channels, 1),
          rows.of_channels.size(),
          copied<RelationRow>(rows.relations, new_relations),
          rows.relations.size(),
          {},
          false};
}

// ---- what is shown to those who see nothing --------------------------------

// The user as it is just before the change, as it was seen with this detail.
std::string_view snapshot(Editing& editing, Detail detail) {
  std::string_view& kept = editing.snapshots[static_cast<uint8_t>(detail)];
  if (!kept.empty()) return kept;
  const UserView& seen = *editing.seen;
  ShownFacts facts;
  facts.at = editing.now;
  facts.detail = detail;
  // To them it looks as if the user had logged out, which is an activity.
  if (seen.status != Status::offline)
    facts.last_seen = Max(editing.now, seen.last_seen);
  else if (seen.has_last_seen)
    facts.last_seen = seen.last_seen;
  facts.activity_count = seen.activity_count;
  facts.message = seen.message();
  if (!facts.message.empty()) facts.message_until = seen.message_until;
  facts.data = seen.data();
  // What ends may lie over an earlier choice, whose message comes back.
  static char line[max_choices_bytes];
  const ClaimedUser& user = *editing.user;
  const std::string_view choices = {
      line, choices_of_user(user.partition, user.cell,
                            {user.wishes, static_cast<size_t>(user.count)}, editing.now, line)};
  if (const auto layers = read_choices(choices); layers && layers->count > 1)
    facts.choices = choices;
  return kept = write_shown(facts);
}

// What is shown after a change to somebody to whom `shown` was shown before it.
std::string_view shown_after(Editing& editing, Detail before, Detail after,
                             std::string_view shown) {
  editing.shows_or_hides |= (before == Detail::nothing) != (after == Detail::nothing);
  if (after != Detail::nothing) return {};
  return before == Detail::nothing ? shown : snapshot(editing, before);
}

// How much is seen by whoever has no word of its own, channels left out.
Detail seen_by_kind(const RuleRow& of_user, bool is_contact) {
  Standing standing;
  standing.is_contact = is_contact;
  return allowed(standing, {std::nullopt, of_user.rule, current_policy().default_audience});
}

// What one with this relation is shown while it sees nothing.
std::string_view shown_to(const Editing& editing, const RelationRow& relation) {
  const RuleRow& others = editing.of_user;
  std::string_view shown = relation.shown;
  if (shown.empty() && relation.is_contact) shown = others.shown_to_contacts;
  if (shown.empty()) shown = others.shown;
  return shown.empty() ? write_nothing_shown() : shown;
}

// ---- the changes -----------------------------------------------------------

// Each returns how much has changed.
int set_rule_of_user(Editing& editing, const std::optional<Rule>& rule) {
  RuleRow& row = editing.of_user;
  if (row.rule == rule) return 0;
  const Detail strangers_saw = seen_by_kind(row, false);
  const Detail contacts_saw = seen_by_kind(row, true);
  row.rule = rule;
  const Detail strangers_see = seen_by_kind(row, false);
  const Detail contacts_see = seen_by_kind(row, true);
  row.shown = shown_after(editing, strangers_saw, strangers_see, row.shown);
  row.shown_to_contacts = shown_after(editing, contacts_saw, contacts_see, row.shown_to_contacts);
  for (size_t i = 0; i < editing.relation_count; i++) {
    RelationRow& relation = editing.relations[i];
    if (relation.is_blocked || relation.own != Detail::nothing) continue;
    const Detail saw = relation.is_contact ? contacts_saw : strangers_saw;
    const Detail sees = relation.is_contact ? contacts_see : strangers_see;
    if (saw != Detail::nothing || sees != Detail::nothing) relation.shown = {};
  }
  return 1;
}

[[noreturn]] void raise_too_many(std::string_view user_id, const char* what, int most,
                                 const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("user \"%.*s\" has too many %s", static_cast<int>(user_id.size()),
                         user_id.data(), what),
                  errdetail("A user has at most %d.", most), errhint("%s", hint)));
}

int set_rule_of_channel(Editing& editing, std::string_view channel_id,
                        const std::optional<Rule>& rule) {
  RuleRow* end = editing.of_channels + editing.channel_count;
  RuleRow* row =
      std::lower_bound(editing.of_channels, end, channel_id,
                       [](const RuleRow& row, std::string_view id) { return row.channel_id < id; });
  const bool is_there = row != end && row->channel_id == channel_id;
  if (is_there ? row->rule == rule : !rule) return 0;
  if (!rule) {
    std::copy(row + 1, end, row);
    editing.channel_count--;
  } else if (is_there) {
    row->rule = rule;
  } else {
    if (editing.channel_count >= max_channel_rules)
      raise_too_many(editing.user->id(), "rules of channels", max_channel_rules,
                     "Take away those of channels that are no more, or set one for everywhere.");
    new (end) RuleRow{};
    std::copy_backward(row, end, end + 1);
    *row = {channel_id, rule, {}, {}};
    editing.channel_count++;
  }
  return 1;
}

// None: the user has nothing to do with it. Those that the change has added are not looked at.
RelationRow* find_relation(Editing& editing, std::string_view viewer) {
  RelationRow* end = editing.relations + editing.before.relations.size();
  RelationRow* row = std::lower_bound(
      editing.relations, end, viewer,
      [](const RelationRow& row, std::string_view id) { return row.contact_id < id; });
  return row != end && row->contact_id == viewer ? row : nullptr;
}

void add_relation(Editing& editing, const RelationRow& row) {
  new (editing.relations + editing.relation_count++) RelationRow(row);
}

// Channels left out: that would tell the user in which channels the viewer is.
Detail seen_by(const Editing& editing, const RelationRow& relation) {
  return allowed({relation.is_blocked, relation.is_contact, relation.own, false},
                 {std::nullopt, editing.of_user.rule, current_policy().default_audience});
}

// `wanted` is the relation with what is asked for; what it shows is worked out.
int set_relation(Editing& editing, RelationRow wanted) {
  RelationRow* there = find_relation(editing, wanted.contact_id);
  const RelationRow old = there ? *there : RelationRow{wanted.contact_id};
  wanted.shown = old.shown;
  if (wanted == old) return 0;
  wanted.shown =
      shown_after(editing, seen_by(editing, old), seen_by(editing, wanted), shown_to(editing, old));
  if (there)
    *there = wanted;
  else
    add_relation(editing, wanted);
  return 1;
}

RelationRow relation_with(Editing& editing, std::string_view viewer) {
  const RelationRow* there = find_relation(editing, viewer);
  return there ? *there : RelationRow{viewer};
}

int set_contact(Editing& editing, std::string_view contact_id, Detail own) {
  RelationRow wanted = relation_with(editing, contact_id);
  wanted.is_contact = true;
  wanted.own = own;
  return set_relation(editing, wanted);
}

int take_contact_away(Editing& editing, std::string_view contact_id) {
  RelationRow wanted = relation_with(editing, contact_id);
  wanted.is_contact = false;
  wanted.own = Detail::nothing;
  return set_relation(editing, wanted);
}

// Who stays keeps its own detail.
int set_contacts(Editing& editing, std::span<const std::string_view> contact_ids) {
  int changed = 0;
  for (const RelationRow& row : editing.before.relations)
    if (row.is_contact &&
        !std::binary_search(contact_ids.begin(), contact_ids.end(), row.contact_id))
      changed += take_contact_away(editing, row.contact_id);
  for (const std::string_view id : contact_ids)
    if (const RelationRow row = relation_with(editing, id); !row.is_contact)
      changed += set_contact(editing, id, row.own);
  return changed;
}

int set_blocked(Editing& editing, std::string_view other, bool is_blocked) {
  RelationRow wanted = relation_with(editing, other);
  wanted.is_blocked = is_blocked;
  return set_relation(editing, wanted);
}

int erase_relation(Editing& editing, std::string_view viewer) {
  RelationRow* there = find_relation(editing, viewer);
  if (!there) return 0;
  *there = {viewer};
  return 1;
}

// ---- from the change to the rows -------------------------------------------

bool by_contact_id(const RelationRow& a, const RelationRow& b) {
  return a.contact_id < b.contact_id;
}

// What single viewers are shown takes memory: only so many, those of late. The others see what
// strangers do, or nobody.
void forget_old_shown(Editing& editing) {
  struct Kept {
    RelationRow* row;
    Time at;
  };
  auto* kept = static_cast<Kept*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Kept) * (editing.relation_count + 1)));
  size_t count = 0;
  for (size_t i = 0; i < editing.relation_count; i++) {
    RelationRow& row = editing.relations[i];
    if (!row.shown.empty() && row.shown != write_nothing_shown())
      kept[count++] = {&row, read_shown(row.shown).at};
  }
  if (count <= max_shown) return;
  std::nth_element(kept, kept + max_shown, kept + count,
                   [](const Kept& a, const Kept& b) { return a.at > b.at; });
  for (size_t i = max_shown; i < count; i++) {
    RelationRow& row = *kept[i].row;
    row.shown = row.is_contact || row.is_blocked ? write_nothing_shown() : std::string_view{};
  }
}

// Relations that say nothing any more go; the others are put in order.
void tidy_up(Editing& editing) {
  forget_old_shown(editing);
  RelationRow* end = std::remove_if(editing.relations, editing.relations + editing.relation_count,
                                    [](const RelationRow& row) { return !row.says_something(); });
  std::sort(editing.relations, end, by_contact_id);
  editing.relation_count = static_cast<size_t>(end - editing.relations);
  const auto count = std::count_if(editing.relations, end, [](const RelationRow& row) {
    return row.is_contact || row.is_blocked;
  });
  if (count > max_relations && editing.relation_count > editing.before.relations.size())
    raise_too_many(
        editing.user->id(), "contacts", max_relations,
        "Take away those that it has nothing to do with any more. Who is blocked counts.");
}

// Those from whom the user hides in this transaction go on to see it until COMMIT.
void add_rules_wish(ClaimedUser* user, const VisibilityRows& rows, bool shows_or_hides, Time now) {
  WishParts parts;
  parts.change.kind = ChangeKind::set_visibility;
  parts.change.at = now;
  user->rules_since = Min(user->rules_since, now);
  VisibilityFacts* facts = facts_of(rows);
  for (size_t i = 0; facts && i < facts->shown.size(); i++)
    facts->shown[i].is_new = facts->shown[i].at >= user->rules_since;
  parts.visibility = facts;
  parts.shows_or_hides = shows_or_hides;
  add_wish(user, parts);
}

// For nobody a row is made that has nothing to say.
template <typename Change>
bool comes_to_nothing(const ClaimedUser* user, const UserView& seen, size_t new_relations,
                      Change& change) {
  Editing editing = edit(user, {}, seen, current_time(), new_relations);
  return change(editing) == 0;
}

// Calls `change` with the rules as this transaction sees them and writes what it has made of them.
// Returns what it returned.
template <typename Change>
int change_rules(std::string_view user_id, size_t new_relations, Change change) {
  static UserView seen;
  const RealmRef realm = whole_realm();
  ClaimedUser* user = claim_for_change(realm, realm.key(user_id));
  TableAccess access;
  access.begin();
  LockedRow locked{};
  if (!lock_row_if_present(user_id, locked)) {
    view_claimed(*user, current_time(), seen);
    if (comes_to_nothing(user, seen, new_relations, change)) {
      access.end();
      return 0;
    }
    lock_rows(&user_id, &locked, 1, current_time());
  }
  wait_for_commits(&user, 1);
  const Time now = current_time();
  view_claimed(*user, now, seen);
  Editing editing = edit(user, read_visibility(user_id), seen, now, new_relations);
  const int changed = change(editing);
  if (changed > 0) {
    tidy_up(editing);
    write_visibility(user_id, editing.before, editing.after(), now);
    add_rules_wish(user, editing.after(), editing.shows_or_hides, now);
  }
  access.end();
  return changed;
}

}  // namespace

void make_rule(std::string_view user_id, std::string_view channel_id, std::optional<Rule> rule) {
  change_rules(user_id, 0, [&](Editing& editing) {
    return channel_id.empty() ? set_rule_of_user(editing, rule)
                              : set_rule_of_channel(editing, channel_id, rule);
  });
}

bool make_contact(std::string_view user_id, std::string_view contact_id, Detail own) {
  return change_rules(user_id, 1,
                      [&](Editing& editing) { return set_contact(editing, contact_id, own); }) > 0;
}

bool make_no_contact(std::string_view user_id, std::string_view contact_id) {
  return change_rules(user_id, 1,
                      [&](Editing& editing) { return take_contact_away(editing, contact_id); }) > 0;
}

int make_contacts(std::string_view user_id, std::span<const std::string_view> contact_ids) {
  return change_rules(user_id, contact_ids.size(),
                      [&](Editing& editing) { return set_contacts(editing, contact_ids); });
}

bool make_blocked(std::string_view user_id, std::string_view other) {
  return change_rules(user_id, 1,
                      [&](Editing& editing) { return set_blocked(editing, other, true); }) > 0;
}

bool make_unblocked(std::string_view user_id, std::string_view other) {
  return change_rules(user_id, 1,
                      [&](Editing& editing) { return set_blocked(editing, other, false); }) > 0;
}

// ---- forgetting ------------------------------------------------------------

namespace {

struct Ids {
  std::string_view* ids;
  int count;
};

// Those who say something about the user, and the user, in the order of their keys. In the context
// of the call, which outlives the scope.
Ids speakers_about(std::string_view user_id) {
  static Statement fetch = {
      "SELECT user_id FROM %s.presence_contacts WHERE contact_id = $1 UNION SELECT $1 ORDER BY 1",
      1,
      {TEXTOID}};
  MemoryContext caller = CurrentMemoryContext;
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(user_id)};
  const auto found = static_cast<int>(run(fetch, values, nullptr));
  Ids speakers{};
  speakers.ids = static_cast<std::string_view*>(
      MemoryContextAllocHuge(caller, sizeof(std::string_view) * static_cast<Size>(found)));
  for (int i = 0; i < found; i++) {
    const std::string_view id = text_column(static_cast<uint64>(i), 1);
    char* copy = static_cast<char*>(MemoryContextAlloc(caller, id.size() + 1));
    std::copy(id.begin(), id.end(), copy);
    speakers.ids[speakers.count++] = {copy, id.size()};
  }
  access.end();
  return speakers;
}

// All at once and in this order: so two of them that are forgotten at a time wait for each other,
// and there is no deadlock.
void lock_all(const Ids& users) {
  auto* locked = static_cast<LockedRow*>(MemoryContextAllocExtended(
      CurrentMemoryContext, sizeof(LockedRow) * static_cast<Size>(users.count),
      MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  TableAccess access;
  access.begin_many();
  lock_rows(users.ids, locked, users.count, current_time());
  access.end();
}

}  // namespace

bool make_unknown_to_others(std::string_view user_id) {
  // In the order of presence_reset, which locks all tables.
  LockRelationOid(extension().user_presence, RowExclusiveLock);
  // One at a time: two of them may speak about each other, and about the same ones.
  LockRelationOid(extension().presence_contacts, ShareUpdateExclusiveLock);
  const Ids speakers = speakers_about(user_id);
  if (speakers.count == 1) return false;
  lock_all(speakers);
  for (int i = 0; i < speakers.count; i++) {
    CHECK_FOR_INTERRUPTS();
    if (speakers.ids[i] == user_id) continue;
    change_rules(speakers.ids[i], 0,
                 [&](Editing& editing) { return erase_relation(editing, user_id); });
  }
  return true;
}

// ---- after a restore -------------------------------------------------------

namespace {

Statement correct_flags = {
    "UPDATE %s.user_presence p SET has_visibility = true WHERE NOT p.has_visibility "
    "AND (EXISTS (SELECT FROM %s.presence_visibility v WHERE v.user_id = p.user_id) "
    "OR EXISTS (SELECT FROM %s.presence_contacts c WHERE c.user_id = p.user_id))",
    0,
    {}};
Statement fetch_with_rules = {
    "SELECT user_id, status FROM %s.user_presence WHERE has_visibility ORDER BY user_id", 0, {}};

// Somebody may be about to load whoever is not offline, from rows of before.
bool may_be_in_memory(const RealmRef& realm, std::string_view user_id, std::string_view status) {
  static UserView view;
  if (status != name_of(Status::offline)) return true;
  return view_user(realm, realm.key(user_id), {}, current_policy(), current_time(), view) ==
         Answer::done;
}

void make_rules_known(const RealmRef& realm, std::string_view user_id) {
  ClaimedUser* user = claim_for_change(realm, realm.key(user_id));
  TableAccess access;
  access.begin();
  LockedRow locked{};
  if (lock_row_if_present(user_id, locked)) {
    wait_for_commits(&user, 1);
    add_rules_wish(user, read_visibility(user_id), false, current_time());
  }
  access.end();
}

}  // namespace

void make_restored_rules_known() {
  const RealmRef realm = extension().realm;
  // At the end of a transaction there is no statement whose snapshot would do.
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin();
  run(correct_flags, nullptr, nullptr);
  for_each_row(fetch_with_rules, [&](uint64 row) {
    const std::string_view user_id = text_column(row, 1);
    if (is_id(user_id) && may_be_in_memory(realm, user_id, text_column(row, 2)))
      make_rules_known(realm, user_id);
  });
  access.end();
  PopActiveSnapshot();
}

}  // namespace presence
