// visibility_rows.cpp: reading the rows, making facts of them, and writing differences.
#include "postgres/tables/visibility_rows.h"

#include <algorithm>
#include <new>

#include "postgres/tables/arrays.h"
#include "postgres/tables/each_row.h"
#include "postgres/tables/jsonb.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace presence {

namespace {

template <typename Item>
std::span<Item> make_span(int count) {
  auto* items = static_cast<Item*>(MemoryContextAllocHuge(
      CurrentMemoryContext, sizeof(Item) * static_cast<Size>(Max(count, 1))));
  for (int i = 0; i < count; i++) new (items + i) Item{};
  return {items, static_cast<size_t>(count)};
}

// An array of records, each of `width` elements; no element for NULL.
struct Records {
  Elements elements{};
  int width;

  Records(uint64 row, int column, int width) : width(width) {
    if (Datum array; get_value(row, column, array))
      elements = elements_of(DatumGetArrayTypeP(array));
  }
  int count() const { return elements.count / width; }
  // Empty for NULL.
  std::string_view text(int record, int number) const {
    const int place = record * width + number;
    return elements.nulls[place] ? std::string_view{} : text_of(elements.values[place]);
  }
  std::string_view jsonb(int place) const {
    if (place >= elements.count || elements.nulls[place]) return {};
    return bytes_of_jsonb(elements.values[place]);
  }
};

// ---- reading ---------------------------------------------------------------

// A restored row may hold what no function would have let in: then nobody sees anything.
std::optional<Rule> rule_named(std::string_view audience, std::string_view detail) {
  if (audience.empty() && detail.empty()) return std::nullopt;
  const auto whom = audience_named(audience);
  const auto how_much = detail_named(detail);
  if (!whom || !how_much) return Rule{Audience::nobody, Detail::full};
  return Rule{*whom, *how_much};
}

void read_rules(uint64 row, int first, VisibilityRows& rows) {
  const Records rules(row, first, 3);
  const Records shown(row, first + 1, 1);
  rows.of_user.shown = shown.jsonb(0);
  rows.of_user.shown_to_contacts = shown.jsonb(1);
  rows.of_channels = make_span<RuleRow>(rules.count());
  size_t count = 0;
  for (int i = 0; i < rules.count(); i++) {
    const std::string_view channel = rules.text(i, 0);
    RuleRow& rule = channel.empty() ? rows.of_user : rows.of_channels[count++];
    rule.channel_id = channel;
    rule.rule = rule_named(rules.text(i, 1), rules.text(i, 2));
  }
  rows.of_channels = rows.of_channels.first(count);
}

void read_relations(uint64 row, int first, VisibilityRows& rows) {
  const Records relations(row, first, 4);
  const Records shown(row, first + 1, 1);
  rows.relations = make_span<RelationRow>(relations.count());
  for (int i = 0; i < relations.count(); i++) {
    RelationRow& relation = rows.relations[static_cast<size_t>(i)];
    relation.contact_id = relations.text(i, 0);
    relation.is_contact = relations.text(i, 1) == "true";
    relation.is_blocked = relations.text(i, 2) == "true";
    relation.own = detail_named(relations.text(i, 3)).value_or(Detail::nothing);
    relation.shown = shown.jsonb(i);
  }
}

Statement fetch_rules = {"SELECT " PRESENCE_VISIBILITY_COLUMNS
                         " FROM %s.user_presence WHERE user_id = $1",
                         1,
                         {TEXTOID}};

}  // namespace

VisibilityRows visibility_in(uint64 row, int first) {
  VisibilityRows rows;
  Datum has_any;
  if (!get_value(row, first, has_any) || !DatumGetBool(has_any)) return rows;
  read_rules(row, first + 1, rows);
  read_relations(row, first + 3, rows);
  rows.is_lost = rows.empty();
  return rows;
}

const VisibilityFacts* visibility_facts_in(uint64 row, int first) {
  return facts_of(visibility_in(row, first));
}

VisibilityRows read_visibility(std::string_view user_id) {
  Datum values[] = {text_datum(user_id)};
  return run(fetch_rules, values, nullptr) > 0 ? visibility_in(0, 1) : VisibilityRows{};
}

VisibilityRows read_visibility_fresh(std::string_view user_id) {
  Datum values[] = {text_datum(user_id)};
  return run_fresh(fetch_rules, values, nullptr) > 0 ? visibility_in(0, 1) : VisibilityRows{};
}

// ---- as facts --------------------------------------------------------------

namespace {

// A jsonb, and whose place it is to be found at.
struct ShownPlace {
  std::string_view bytes;
  int* place;
};

// Many were hidden from at the same moment: what they see is kept once.
std::span<ShownFacts> share_shown(std::span<ShownPlace> places) {
  std::sort(places.begin(), places.end(),
            [](const ShownPlace& a, const ShownPlace& b) { return a.bytes < b.bytes; });
  const std::span<ShownFacts> facts = make_span<ShownFacts>(static_cast<int>(places.size()));
  int count = 0;
  for (size_t i = 0; i < places.size(); i++) {
    if (i == 0 || places[i].bytes != places[i - 1].bytes)
      facts[static_cast<size_t>(count++)] = read_shown(places[i].bytes);
    *places[i].place = count - 1;
  }
  return facts.first(static_cast<size_t>(count));
}

}  // namespace

VisibilityFacts* facts_of(const VisibilityRows& rows) {
  if (rows.empty() && !rows.is_lost) return nullptr;
  VisibilityFacts* facts = make_span<VisibilityFacts>(1).data();
  const auto rules = make_span<ChannelRuleFacts>(static_cast<int>(rows.of_channels.size()));
  const auto relations = make_span<RelationFacts>(static_cast<int>(rows.relations.size()));
  const auto shown = make_span<ShownPlace>(static_cast<int>(rows.relations.size()) + 2);
  size_t count = 0;
  const auto add_shown = [&](std::string_view bytes, int& place) {
    if (!bytes.empty()) shown[count++] = {bytes, &place};
  };
  facts->rule = rows.rule();
  add_shown(rows.of_user.shown, facts->to_strangers);
  add_shown(rows.of_user.shown_to_contacts, facts->to_contacts);
  for (size_t i = 0; i < rows.of_channels.size(); i++)
    rules[i] = {rows.of_channels[i].channel_id, rows.of_channels[i].rule.value_or(Rule{})};
  for (size_t i = 0; i < rows.relations.size(); i++) {
    const RelationRow& row = rows.relations[i];
    relations[i] = {row.contact_id, row.is_contact, row.is_blocked, row.own, shown_as_others};
    add_shown(row.shown, relations[i].shown);
  }
  facts->channel_rules = rules;
  facts->relations = relations;
  facts->shown = share_shown(shown.first(count));
  return facts;
}

// ---- writing ---------------------------------------------------------------

namespace {

Statement write_rules = {
    "INSERT INTO %s.presence_visibility "
    "(user_id, channel_id, audience, detail, shown, shown_to_contacts, changed_at) "
    "SELECT $1, r.*, $7 FROM unnest($2, $3, $4, $5, $6) AS r "
    "ON CONFLICT (user_id, channel_id) DO UPDATE SET audience = excluded.audience, "
    "detail = excluded.detail, shown = excluded.shown, "
    "shown_to_contacts = excluded.shown_to_contacts, changed_at = excluded.changed_at",
    7,
    {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, JSONBARRAYOID, JSONBARRAYOID,
     TIMESTAMPTZOID}};
Statement delete_rules = {
    "DELETE FROM %s.presence_visibility WHERE user_id = $1 AND channel_id = ANY ($2)",
    2,
    {TEXTOID, TEXTARRAYOID}};

Statement write_relations = {
    "INSERT INTO %s.presence_contacts "
    "(user_id, contact_id, is_contact, is_blocked, detail, shown, changed_at) "
    "SELECT $1, r.*, $7 FROM unnest($2, $3, $4, $5, $6) AS r "
    "ON CONFLICT (user_id, contact_id) DO UPDATE SET is_contact = excluded.is_contact, "
    "is_blocked = excluded.is_blocked, detail = excluded.detail, shown = excluded.shown, "
    "changed_at = excluded.changed_at",
    7,
    {TEXTOID, TEXTARRAYOID, BOOLARRAYOID, BOOLARRAYOID, TEXTARRAYOID, JSONBARRAYOID,
     TIMESTAMPTZOID}};
Statement delete_relations = {
    "DELETE FROM %s.presence_contacts WHERE user_id = $1 AND contact_id = ANY ($2)",
    2,
    {TEXTOID, TEXTARRAYOID}};

// Always written: whoever has an older snapshot of the rules fails to lock this row.
Statement note_rules = {
    "UPDATE %s.user_presence SET has_visibility = $2, updated_at = $3 WHERE user_id = $1",
    3,
    {TEXTOID, BOOLOID, TIMESTAMPTZOID}};

// Two lists in the order of their keys.
template <typename Row, typename Gone, typename Written>
void compare(std::span<const Row> before, std::span<const Row> after, Gone gone, Written written) {
  size_t old = 0;
  for (const Row& row : after) {
    while (old < before.size() && before[old].key() < row.key()) gone(before[old++]);
    const bool is_there = old < before.size() && before[old].key() == row.key();
    if (!is_there || !(before[old] == row)) written(row);
    old += is_there;
  }
  while (old < before.size()) gone(before[old++]);
}

void add_jsonb_or_null(Column& column, std::string_view bytes) {
  bytes.empty() ? column.add_null() : column.add(jsonb_of_bytes(bytes));
}

std::span<const RuleRow> rule_of_user(const VisibilityRows& rows) {
  return {&rows.of_user, rows.of_user.says_something() ? size_t{1} : size_t{0}};
}

void write_rule_rows(std::string_view user_id, const VisibilityRows& before,
                     const VisibilityRows& after, Time now) {
  const int most = static_cast<int>(before.of_channels.size() + after.of_channels.size()) + 1;
  Column lost(TEXTOID, most), channels(TEXTOID, most), audiences(TEXTOID, most);
  Column details(TEXTOID, most), shown(JSONBOID, most), to_contacts(JSONBOID, most);
  int lost_count = 0, count = 0;
  const auto gone = [&](const RuleRow& row) {
    lost.add_text(row.channel_id);
    lost_count++;
  };
  const auto written = [&](const RuleRow& row) {
    channels.add_text(row.channel_id);
    row.rule ? audiences.add_text(name_of(row.rule->audience)) : audiences.add_null();
    row.rule ? details.add_text(name_of(row.rule->detail)) : details.add_null();
    add_jsonb_or_null(shown, row.shown);
    add_jsonb_or_null(to_contacts, row.shown_to_contacts);
    count++;
  };
  compare(rule_of_user(before), rule_of_user(after), gone, written);
  compare<RuleRow>(before.of_channels, after.of_channels, gone, written);
  Datum deleted[] = {text_datum(user_id), lost.array()};
  if (lost_count > 0) run(delete_rules, deleted, nullptr);
  Datum values[] = {text_datum(user_id),     channels.array(), audiences.array(),
                    details.array(),         shown.array(),    to_contacts.array(),
                    TimestampTzGetDatum(now)};
  if (count > 0) run(write_rules, values, nullptr);
}

void write_relation_rows(std::string_view user_id, const VisibilityRows& before,
                         const VisibilityRows& after, Time now) {
  const int most = static_cast<int>(before.relations.size() + after.relations.size());
  Column lost(TEXTOID, most), ids(TEXTOID, most), contacts(BOOLOID, most), blocked(BOOLOID, most);
  Column details(TEXTOID, most), shown(JSONBOID, most);
  int lost_count = 0, count = 0;
  const auto gone = [&](const RelationRow& row) {
    lost.add_text(row.contact_id);
    lost_count++;
  };
  const auto written = [&](const RelationRow& row) {
    ids.add_text(row.contact_id);
    contacts.add(BoolGetDatum(row.is_contact));
    blocked.add(BoolGetDatum(row.is_blocked));
    row.own == Detail::nothing ? details.add_null() : details.add_text(name_of(row.own));
    add_jsonb_or_null(shown, row.shown);
    count++;
  };
  compare<RelationRow>(before.relations, after.relations, gone, written);
  Datum deleted[] = {text_datum(user_id), lost.array()};
  if (lost_count > 0) run(delete_relations, deleted, nullptr);
  Datum values[] = {text_datum(user_id), ids.array(),   contacts.array(),        blocked.array(),
                    details.array(),     shown.array(), TimestampTzGetDatum(now)};
  if (count > 0) run(write_relations, values, nullptr);
}

}  // namespace

void write_visibility(std::string_view user_id, const VisibilityRows& before,
                      const VisibilityRows& after, Time now) {
  write_rule_rows(user_id, before, after, now);
  write_relation_rows(user_id, before, after, now);
  Datum values[] = {text_datum(user_id), BoolGetDatum(!after.empty()), TimestampTzGetDatum(now)};
  run(note_rules, values, nullptr);
}

}  // namespace presence
