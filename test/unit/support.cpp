// support.cpp: laying out a region, reserving wishes.
#include "support.h"

namespace presence::test {

namespace {

constexpr std::size_t header_cells = 4;  // 512 bytes

std::size_t cells_for(std::size_t bytes) { return (bytes + cell_bytes - 1) / cell_bytes; }

}  // namespace

TestRegion::TestRegion(RegionSize size, const Region::Locks& locks) {
  const std::size_t buckets = std::size_t{size.buckets_per_partition} * partition_count;
  memory_.resize(header_cells + cells_for(size.realms * sizeof(Realm)) +
                 4 * cells_for(buckets * sizeof(Cell)) + size.cells);
  const RegionPlan plan{size.realms, size.buckets_per_partition, size.buckets_per_partition,
                        size.cells, memory_.size() * cell_bytes};
  region.create(memory_.data(), plan, HashSeed{1, 2}, locks);
}

RulesAsFacts::RulesAsFacts(const GivenRules& rules) {
  for (const auto& [channel, rule] : rules.channel_rules) channel_rules_.push_back({channel, rule});
  for (const GivenRelation& one : rules.relations)
    relations_.push_back({one.viewer, one.is_contact, one.is_blocked, one.own, one.shown});
  for (const GivenShown& one : rules.shown)
    shown_.push_back({one.detail,
                      one.last_seen,
                      one.activity_count,
                      one.message,
                      one.message_until,
                      {},
                      one.data,
                      one.is_new});
  facts = {rules.rule, channel_rules_, relations_, shown_, rules.to_strangers, rules.to_contacts};
}

namespace {

bool may_need_session(const Ask& ask) {
  return ask.kind == ChangeKind::choose || ask.kind == ChangeKind::be_automatic;
}

bool may_need_extras(const Ask& ask) {
  return ask.kind == ChangeKind::choose || !ask.message.value_or("").empty() ||
         !ask.reason_text.empty();
}

constexpr Duration gateway_lease = 15 * second;

Cell reserve_session(Region& region, const Ask& ask) {
  NewSession session;
  session.key = region.session_key(ask.realm, ask.session);
  session.said = ask.status;
  session.lease = static_cast<uint32_t>(ask.lease / millisecond);
  session.details = ask.details;
  if (ask.page) session.page = *ask.page;
  session.binder = ask.binder;
  if (!ask.gateway.empty()) {
    session.gateway = region.sessions.hold_gateway(region.realm(ask.realm).gateways, ask.gateway,
                                                   gateway_lease, ask.at, 1);
    if (session.gateway == no_cell) return no_cell;
  }
  Roster roster(region);
  const Cell made = roster.make_session(session);
  if (made == no_cell) region.sessions.release_gateway(session.gateway);
  return made;
}

// False: there is no room.
bool reserve_parts_of_session(Region& region, const Ask& ask, Wish& wish) {
  wish.session = region.session_key(ask.realm, ask.session);
  if (ask.kind != ChangeKind::connect) return true;
  wish.spare_session = reserve_session(region, ask);
  wish.gives_data = ask.data.has_value();
  wish.gives_page = ask.page.has_value();
  const auto data = put_text(region.pool, ask.data.value_or(""));
  const auto page = put_text(region.pool, ask.page.value_or(""));
  wish.data = data.value_or(no_cell);
  wish.page = page.value_or(no_cell);
  return wish.spare_session != no_cell && data && page;
}

// All that a first join may need.
bool reserve_parts_of_channel(Region& region, const Ask& ask, Wish& wish) {
  wish.channel = region.channel_key(ask.realm, ask.channel);
  if (!ask.session.empty()) wish.session = region.session_key(ask.realm, ask.session);
  if (ask.kind != ChangeKind::join) return true;
  wish.gives_data = ask.data.has_value();
  wish.gives_cursor = ask.cursor.has_value();
  wish.gives_state = ask.state.has_value();
  std::optional<Cell> placed = no_cell;
  if (ask.cursor) placed = Roster(region).make_placed({false, {}, *ask.cursor, ask.selection});
  if (ask.state) placed = Roster(region).make_placed({true, {}, *ask.state});
  const auto data = put_text(region.pool, ask.data.value_or(""));
  wish.placed = placed.value_or(no_cell);
  wish.data = data.value_or(no_cell);
  wish.spare_channel = region.channels.make(wish.channel);
  bool has_all = placed && data && wish.spare_channel != no_cell;
  for (Cell* spare :
       {&wish.spare_member, &wish.spare_extras, &wish.spare_seats, &wish.spare_session})
    has_all &= (*spare = region.pool.take()) != no_cell;
  return has_all;
}

// What a wish about the user alone may need.
bool reserve_parts_of_user(Region& region, const Ask& ask, Wish& wish) {
  if (may_need_session(ask)) wish.spare_session = region.pool.take();
  return (wish.spare_session != no_cell) == may_need_session(ask);
}

bool reserve_rules(Region& region, const Ask& ask, Wish& wish) {
  const auto made = Roster(region).make_visibility(ask.realm, RulesAsFacts(ask.rules).facts);
  wish.visibility = made.value_or(no_cell);
  if (wish.visibility == no_cell) return made.has_value();
  return (wish.spare_extras = region.pool.take()) != no_cell;
}

bool reserve_parts(Region& region, const Ask& ask, Wish& wish) {
  if (ask.kind == ChangeKind::set_visibility) return reserve_rules(region, ask, wish);
  if (names_channel(ask.kind)) return reserve_parts_of_channel(region, ask, wish);
  if (may_need_extras(ask)) wish.spare_extras = region.pool.take();
  if ((wish.spare_extras != no_cell) != may_need_extras(ask)) return false;
  return names_session(ask.kind) ? reserve_parts_of_session(region, ask, wish)
                                 : reserve_parts_of_user(region, ask, wish);
}

}  // namespace

// No more than the SQL functions reserve, so that a change that needs more shows.
std::optional<Wish> reserve_wish(Region& region, const Ask& ask) {
  CellPool& pool = region.pool;
  Wish wish;
  wish.change = {ask.kind, ask.status, ask.at, ask.until, std::nullopt};
  wish.reason = ask.reason;
  const auto message = put_text(pool, ask.message.value_or(""));
  const auto reason_text = put_text(pool, ask.reason_text);
  if (ask.message) wish.change.message = message.value_or(no_cell);
  wish.reason_text = reason_text.value_or(no_cell);
  const bool has_parts = reserve_parts(region, ask, wish);
  if (has_parts && message && reason_text) return wish;
  Roster(region).free_wish(wish);
  return std::nullopt;
}

uint32_t cells_of_text(std::size_t bytes) {
  return static_cast<uint32_t>((bytes + TextCell::capacity - 1) / TextCell::capacity);
}

uint32_t cells_of_id(std::string_view id) {
  return id.size() <= short_id ? 0 : cells_of_text(id.size() - inline_id);
}

uint32_t cells_of_rules(const Region& region, uint16_t realm, const GivenRules& rules) {
  const auto in = [](std::size_t count, uint32_t there) {
    return (static_cast<uint32_t>(count) + there - 1) / there;
  };
  if (rules.empty()) return 0;
  uint32_t cells = 1 + in(rules.channel_rules.size(), ChannelRules::there) +
                   in(rules.relations.size(), Relations::there);
  for (const GivenShown& one : rules.shown)
    cells += 1 + cells_of_text(one.message.size()) + cells_of_text(one.data.size());
  for (const GivenRelation& one : rules.relations)
    if (region.viewers.find(region.viewer_key(realm, one.viewer)) == no_cell)
      cells += 1 + cells_of_id(one.viewer);
  return cells;
}

uint32_t cells_of_placed(std::size_t bytes) { return cells_of_text(sizeof(Placed) + bytes); }

namespace {

uint32_t cells_of_channel_wish(const Ask& ask) {
  if (ask.kind != ChangeKind::join) return 0;
  uint32_t cells = 5 + cells_of_id(ask.channel) + cells_of_text(ask.data.value_or("").size());
  if (ask.cursor) cells += cells_of_placed(ask.cursor->size() + ask.selection.size());
  if (ask.state) cells += cells_of_placed(ask.state->size());
  return cells;
}

}  // namespace

uint32_t cells_of_wish(const Ask& ask) {
  if (names_channel(ask.kind)) return cells_of_channel_wish(ask);
  if (ask.kind == ChangeKind::set_visibility) return 0;  // see cells_of_rules
  const uint32_t of_session = ask.kind != ChangeKind::connect
                                  ? 0
                                  : 1 + cells_of_id(ask.session) +
                                        cells_of_text(ask.details.size()) +
                                        cells_of_text(ask.data.value_or("").size()) +
                                        2 * cells_of_text(ask.page.value_or("").size());
  return of_session + may_need_session(ask) + may_need_extras(ask) +
         cells_of_text(ask.message.value_or("").size()) + cells_of_text(ask.reason_text.size());
}

std::string text_of(std::size_t bytes, char letter) { return std::string(bytes, letter); }

}  // namespace presence::test
