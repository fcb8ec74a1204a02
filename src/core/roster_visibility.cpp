// roster_visibility.cpp: the rules of users, and what they let a viewer see.
#include <algorithm>
#include <cstring>
#include <new>

#include "choices_text.h"
#include "roster_parts.h"

namespace presence {

// ---- making and freeing ----------------------------------------------------

std::optional<Cell> Roster::make_shown(const ShownFacts& facts) {
  const Cell cell = pool_.take();
  if (cell == no_cell) return std::nullopt;
  const std::optional<Cell> message = put_text(pool_, facts.message);
  const std::optional<Cell> data = message ? put_text(pool_, facts.data) : std::nullopt;
  const std::optional<Cell> choices = data ? put_text(pool_, facts.choices) : std::nullopt;
  if (!choices) {
    free_text(pool_, message.value_or(no_cell));
    free_text(pool_, data.value_or(no_cell));
    pool_.give(cell);
    return std::nullopt;
  }
  Shown& made = *new (&pool_.at<Shown>(cell)) Shown{};
  made.detail = facts.detail;
  made.is_new = facts.is_new;
  made.activity_count = facts.activity_count;
  made.message = *message;
  made.data = *data;
  made.choices = *choices;
  made.last_seen = facts.last_seen;
  made.message_until = facts.message_until;
  return cell;
}

void Roster::release_shown(Cell cell) {
  if (cell == no_cell) return;
  Shown& shown = pool_.at<Shown>(cell);
  if (--shown.holders > 0) return;
  free_text(pool_, shown.message);
  free_text(pool_, shown.data);
  free_text(pool_, shown.choices);
  pool_.give(cell);
}

Cell Roster::hold_shown(const VisibilityFacts& facts, int number) {
  if (number == shown_as_others) return no_cell;
  const Cell cell = facts.shown[static_cast<std::size_t>(number)].made;
  pool_.at<Shown>(cell).holders++;
  return cell;
}

bool Roster::add_channel_rules(uint16_t realm, const VisibilityFacts& facts, Visibility& to) {
  for (const ChannelRuleFacts& one : facts.channel_rules) {
    if (to.channel_rules == no_cell ||
        pool_.at<ChannelRules>(to.channel_rules).count == ChannelRules::there) {
      const Cell cell = pool_.take();
      if (cell == no_cell) return false;
      new (&pool_.at<ChannelRules>(cell)) ChannelRules{};
      pool_.at<ChannelRules>(cell).next = to.channel_rules;
      to.channel_rules = cell;
    }
    ChannelRules& rules = pool_.at<ChannelRules>(to.channel_rules);
    rules.items[rules.count++] = {region_.channel_key(realm, one.channel).hash, one.rule.audience,
                                  one.rule.detail};
  }
  return true;
}

bool Roster::add_relations(uint16_t realm, const VisibilityFacts& facts, Visibility& to) {
  for (const RelationFacts& one : facts.relations) {
    if (to.relations == no_cell || pool_.at<Relations>(to.relations).count == Relations::there) {
      const Cell cell = pool_.take();
      if (cell == no_cell) return false;
      new (&pool_.at<Relations>(cell)) Relations{};
      pool_.at<Relations>(cell).next = to.relations;
      to.relations = cell;
    }
    const Key key = region_.viewer_key(realm, one.viewer);
    const Cell viewer = region_.viewers.hold(key);
    if (viewer == no_cell) return false;
    Relations& relations = pool_.at<Relations>(to.relations);
    Relation& relation = relations.items[relations.count++];
    relation.viewer = viewer;
    relation.short_hash = ViewerIndex::short_hash_of(key);
    relation.is_contact = one.is_contact;
    relation.is_blocked = one.is_blocked;
    relation.own = one.own;
    relation.user_has_rule = to.has_rule;
    relation.user_audience = to.audience;
    relation.user_detail = to.detail;
    relation.shown = hold_shown(facts, one.shown);
    if (one.is_blocked)
      to.least = Detail::nothing;
    else if (one.own != Detail::nothing)
      to.least = std::min(to.least, one.own);
  }
  return true;
}

bool Roster::add_all(uint16_t realm, const VisibilityFacts& facts, Visibility& to) {
  for (ShownFacts& one : facts.shown) {
    const std::optional<Cell> made = make_shown(one);
    if (!made) return false;
    one.made = *made;
    pool_.at<Shown>(one.made).holders = 1;  // this call's
  }
  to.to_strangers = hold_shown(facts, facts.to_strangers);
  to.to_contacts = hold_shown(facts, facts.to_contacts);
  return add_channel_rules(realm, facts, to) && add_relations(realm, facts, to);
}

std::optional<Cell> Roster::make_visibility(uint16_t realm, const VisibilityFacts& facts) {
  if (!facts.rule && facts.channel_rules.empty() && facts.relations.empty() &&
      facts.to_strangers == shown_as_others && facts.to_contacts == shown_as_others)
    return no_cell;
  const Cell cell = pool_.take();
  if (cell == no_cell) return std::nullopt;
  Visibility& made = *new (&pool_.at<Visibility>(cell)) Visibility{};
  made.least = Detail::full;
  made.has_rule = facts.rule.has_value();
  if (facts.rule) {
    made.audience = facts.rule->audience;
    made.detail = facts.rule->detail;
  }
  for (ShownFacts& one : facts.shown) one.made = no_cell;
  const bool has_room = add_all(realm, facts, made);
  for (const ShownFacts& one : facts.shown) release_shown(one.made);
  if (has_room) return cell;
  free_visibility(cell);
  return std::nullopt;
}

void Roster::free_visibility(Cell cell) {
  if (cell == no_cell) return;
  const Visibility& gone = pool_.at<Visibility>(cell);
  for (Cell at = gone.channel_rules; at != no_cell;) {
    const Cell next = pool_.at<ChannelRules>(at).next;
    pool_.give(at);
    at = next;
  }
  for (Cell at = gone.relations; at != no_cell;) {
    const Relations& relations = pool_.at<Relations>(at);
    for (uint32_t i = 0; i < relations.count; i++) {
      if (relations.items[i].is_linked) region_.viewers.unlink(at, i);
      release_shown(relations.items[i].shown);
      region_.viewers.release(relations.items[i].viewer);
    }
    const Cell next = relations.next;
    pool_.give(at);
    at = next;
  }
  release_shown(gone.to_strangers);
  release_shown(gone.to_contacts);
  pool_.give(cell);
}

// ---- in the place of the old ones ------------------------------------------

void Roster::link_relations(Cell user, const Visibility& visibility) {
  for (Cell at = visibility.relations; at != no_cell; at = pool_.at<Relations>(at).next) {
    Relations& relations = pool_.at<Relations>(at);
    for (uint32_t i = 0; i < relations.count; i++) {
      relations.items[i].is_linked = true;
      region_.viewers.link(at, i, user);
    }
  }
}

// The user has extras, when it gets any rules.
void Roster::set_visibility(Cell cell, Cell visibility) {
  const User& of = user(cell);
  if (of.extras == no_cell) return;
  Extras& extras = pool_.at<Extras>(of.extras);
  free_visibility(extras.visibility);
  extras.visibility = visibility;
  if (visibility != no_cell) link_relations(cell, pool_.at<Visibility>(visibility));
}

// The row has the user as it was when it hid. If it went on until COMMIT, others have seen that.
void Roster::end_new_shown(const User& user, Cell cell) {
  if (cell == no_cell || !pool_.at<Shown>(cell).is_new) return;
  Shown& shown = pool_.at<Shown>(cell);
  shown.is_new = false;
  shown.last_seen = std::max(shown.last_seen, user.last_seen);
  shown.activity_count = user.activity_count;
}

void Roster::end_new_shown(const User& user, const Visibility& visibility) {
  end_new_shown(user, visibility.to_strangers);
  end_new_shown(user, visibility.to_contacts);
  for (Cell at = visibility.relations; at != no_cell; at = pool_.at<Relations>(at).next) {
    const Relations& relations = pool_.at<Relations>(at);
    for (uint32_t i = 0; i < relations.count; i++) end_new_shown(user, relations.items[i].shown);
  }
}

void Roster::grant_visibility(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy,
                              Time now) {
  User& changed = user(cell);
  if (changed.extras == no_cell && wish.visibility != no_cell)
    give_extras(changed, wish.spare_extras);
  const bool has_rules = wish.visibility != no_cell || visibility_of(changed);
  if (wish.visibility != no_cell) end_new_shown(changed, pool_.at<Visibility>(wish.visibility));
  note_new_rules(
      cell, wish.visibility == no_cell ? nullptr : &pool_.at<Visibility>(wish.visibility), policy);
  set_visibility(cell, wish.visibility);
  wish.visibility = no_cell;
  if (has_rules) note_rules(cell, share);
  Loaded loaded = load_facts(cell, policy, now);
  // Who comes back was seen at the moment of hiding: last_seen must not go back.
  if (wish.shows_or_hides && changed.status != Status::offline &&
      wish.change.at > changed.last_seen) {
    loaded.facts.last_seen = wish.change.at;
    mark_dirty(cell, share);
    Spares none;
    refresh(cell, share, loaded, policy, now, Reason::activity, none);
  } else {
    place(cell, share, look(loaded.facts, policy, now), policy);
  }
  note_detail(cell, share, policy);
}

// Those who ask who sees the user must ask again. That says nothing about its row.
void Roster::note_rules(Cell cell, RealmPartition& share) {
  pool_.at<Extras>(user(cell).extras).rules_changed = true;
  announce_again(cell, share);
}

// The row is written only if it waits for that already.
void Roster::announce_again(Cell cell, RealmPartition& share) {
  User& told = user(cell);
  if (!told.to_announce)
    told.row_is_current = told.persist == Persist::current || told.persist == Persist::dirty;
  link_announcement(cell, share);
}

// Before they take the place of the old ones. What everybody may know by either may have been shown
// by a snapshot before anything was told.
void Roster::note_new_rules(Cell cell, const Visibility* rules, const Policy& policy) {
  User& of = user(cell);
  const Visibility* before = visibility_of(of);
  const auto is_seen = [&](const Visibility* by, std::optional<uint64_t> channel) {
    return detail_for_everybody(by, policy, channel) >= Detail::status;
  };
  const auto differs = [&](std::optional<uint64_t> channel) {
    return is_seen(before, channel) != is_seen(rules, channel);
  };
  if (differs(std::nullopt)) of.detail_changed = true;
  for (Cell at = members_of(of); at != no_cell; at = pool_.at<Member>(at).next) {
    Member& member = pool_.at<Member>(at);
    if (differs(pool_.at<Channel>(member.channel).hash)) member.detail_changed = true;
  }
}

// Everybody may see another part of the user than they were told.
void Roster::note_detail(Cell cell, RealmPartition& share, const Policy& policy) {
  const User& of = user(cell);
  if (of.status == Status::offline && of.announced == Status::offline) return;
  if (detail_for_everybody(of, policy, std::nullopt) != static_cast<Detail>(of.told_detail))
    announce_again(cell, share);
  for (Cell at = members_of(of); at != no_cell; at = pool_.at<Member>(at).next) {
    const Member& member = pool_.at<Member>(at);
    if (detail_for_everybody(of, policy, pool_.at<Channel>(member.channel).hash) ==
        member.told_detail)
      continue;
    announce_member(at);
  }
}

// ---- who sees how much -----------------------------------------------------

const Visibility* Roster::visibility_of(const User& user) const {
  if (user.extras == no_cell) return nullptr;
  const Cell cell = pool_.at<Extras>(user.extras).visibility;
  return cell == no_cell ? nullptr : &pool_.at<Visibility>(cell);
}

// By the last of the wishes that says so.
const Visibility* Roster::visibility_seen(const User& user, std::span<const Wish> wishes) const {
  for (std::size_t i = wishes.size(); i-- > 0;) {
    if (wishes[i].change.kind == ChangeKind::forget) return nullptr;
    if (wishes[i].change.kind != ChangeKind::set_visibility) continue;
    const Cell cell = wishes[i].visibility;
    return cell == no_cell ? nullptr : &pool_.at<Visibility>(cell);
  }
  return visibility_of(user);
}

Rules Roster::rules_in(const Visibility* visibility, std::optional<uint64_t> channel,
                       Audience preset) const {
  Rules rules;
  rules.preset = preset;
  if (!visibility) return rules;
  if (visibility->has_rule) rules.of_user = {visibility->audience, visibility->detail};
  for (Cell at = channel ? visibility->channel_rules : no_cell; at != no_cell;
       at = pool_.at<ChannelRules>(at).next) {
    const ChannelRules& some = pool_.at<ChannelRules>(at);
    for (uint32_t i = 0; i < some.count; i++)
      if (some.items[i].channel == *channel)
        rules.of_channel = {some.items[i].audience, some.items[i].detail};
  }
  return rules;
}

const Relation* Roster::relation_to(const Visibility* visibility, const Viewer& viewer) const {
  if (!visibility) return nullptr;
  for (Cell at = visibility->relations; at != no_cell; at = pool_.at<Relations>(at).next) {
    const Relations& relations = pool_.at<Relations>(at);
    for (uint32_t i = 0; i < relations.count; i++)
      if (region_.viewers.is(relations.items[i], viewer.key)) return &relations.items[i];
  }
  return nullptr;
}

bool Roster::shares_channel(const User& user, const Viewer& viewer) const {
  for (Cell at = members_of(user); at != no_cell; at = pool_.at<Member>(at).next) {
    const Member& member = pool_.at<Member>(at);
    if (member.joined && std::binary_search(viewer.channels.begin(), viewer.channels.end(),
                                            pool_.at<Channel>(member.channel).hash))
      return true;
  }
  return false;
}

namespace {

Standing standing_in(const Relation& relation) {
  return {relation.is_blocked, relation.is_contact, relation.own, false};
}

}  // namespace

Detail Roster::detail_in(const User& user, const Visibility* visibility, const Viewer& viewer,
                         std::optional<uint64_t> channel, const Policy& policy) const {
  if (viewer.is_everybody) return detail_for_everybody(visibility, policy, channel);
  if (id_equals(pool_, user, viewer.key.id)) return Detail::full;
  const Rules rules = rules_in(visibility, channel, policy.default_audience);
  Standing standing;
  if (const Relation* relation = relation_to(visibility, viewer)) standing = standing_in(*relation);
  standing.shares_channel = asks_for_channels(rules) && shares_channel(user, viewer);
  return allowed(standing, rules);
}

Detail Roster::detail_for(Cell cell, const Viewer& viewer, const ChannelKey* channel,
                          std::span<const Wish> wishes, const Policy& policy) const {
  const User& seen = user(cell);
  return detail_in(seen, visibility_seen(seen, wishes), viewer,
                   channel ? std::optional{channel->hash} : std::nullopt, policy);
}

UserKind Roster::kind_of(const User& user, Audience preset) const {
  return kind_for(allowed({}, rules_in(visibility_of(user), std::nullopt, preset)));
}

// Anybody may listen: the least that anyone sees.
Detail Roster::detail_for_everybody(const User& user, const Policy& policy,
                                    std::optional<uint64_t> channel) const {
  return detail_for_everybody(visibility_of(user), policy, channel);
}

Detail Roster::detail_for_everybody(const Visibility* visibility, const Policy& policy,
                                    std::optional<uint64_t> channel) const {
  if (policy.application_decides) return Detail::nothing;
  const Detail to_strangers = allowed({}, rules_in(visibility, channel, policy.default_audience));
  return visibility ? std::min(visibility->least, to_strangers) : to_strangers;
}

// ---- what is seen then -----------------------------------------------------

const Shown* Roster::shown_to(const Visibility* visibility, const Viewer& viewer) const {
  if (!visibility) return nullptr;
  const Relation* relation = relation_to(visibility, viewer);
  Cell shown = relation ? relation->shown : no_cell;
  if (shown == no_cell && relation && relation->is_contact) shown = visibility->to_contacts;
  if (shown == no_cell) shown = visibility->to_strangers;
  return shown == no_cell ? nullptr : &pool_.at<Shown>(shown);
}

namespace {

// Somebody of whom nothing is known.
void view_nobody(UserView& out) {
  out.status = out.announced = Status::offline;
  out.reason = Reason::manual;
  out.has_last_seen = out.message_changed = out.data_changed = false;
  out.last_seen = out.changed_at = forever_ago;
  out.session_count = out.activity_count = out.interactions_per_minute = 0;
  out.message_until = never;
  out.detail = Detail::full;
  out.message_bytes = out.page_bytes = out.data_bytes = out.reason_bytes = 0;
}

}  // namespace

void Roster::view_shown(const Shown* shown, const User& user, Time now, UserView& out) const {
  view_nobody(out);
  out.id_bytes = get_id(pool_, user, out.id_text);
  if (!shown || shown->detail == Detail::nothing) return;
  out.detail = shown->detail;
  // What has not been committed yet goes on.
  out.last_seen = shown->is_new ? std::max(shown->last_seen, user.last_seen) : shown->last_seen;
  out.has_last_seen = out.last_seen != forever_ago;
  if (shown->detail == Detail::last_seen) return;
  out.activity_count = shown->is_new ? user.activity_count : shown->activity_count;
  if (shown->choices != no_cell) {
    char line[max_choices_bytes];
    const std::string_view now_there =
        message_at({line, get_text(pool_, shown->choices, line)}, now);
    std::copy(now_there.begin(), now_there.end(), out.message_text);
    out.message_bytes = static_cast<uint32_t>(now_there.size());
  } else if (shown->message_until > now) {
    out.message_bytes = get_text(pool_, shown->message, out.message_text);
    out.message_until = shown->message_until;
  }
  out.data_bytes = get_text(pool_, shown->data, out.data_text);
}

void Roster::view_for(Cell cell, const Viewer& viewer, std::span<const Wish> wishes,
                      const Policy& policy, Time now, UserView& out) const {
  const User& seen = user(cell);
  const Visibility* visibility = visibility_seen(seen, wishes);
  const Detail detail = detail_in(seen, visibility, viewer, std::nullopt, policy);
  view_at(cell, detail, viewer, wishes, policy, now, out);
}

// As much of it as `detail` is.
void Roster::view_at(Cell cell, Detail detail, const Viewer& viewer, std::span<const Wish> wishes,
                     const Policy& policy, Time now, UserView& out) const {
  const User& seen = user(cell);
  if (detail == Detail::nothing) {
    view_shown(shown_to(visibility_seen(seen, wishes), viewer), seen, now, out);
    return;
  }
  view(cell, wishes, policy, now, out);
  if (detail == Detail::last_seen) {
    const Time last_seen = out.last_seen;
    view_nobody(out);
    out.last_seen = last_seen;
    out.has_last_seen = last_seen != forever_ago;
  }
  out.detail = detail;
  // Somebody offline is on no page, and the minute goes on after the last interaction: of whom a
  // viewer sees nothing any more neither is known.
  if (out.status != Status::offline || id_equals(pool_, seen, viewer.key.id)) return;
  out.page_bytes = out.interactions_per_minute = 0;
}

Glance Roster::glance(Cell cell, const Viewer& viewer, std::span<const Wish> wishes,
                      const Policy& policy, Time now) const {
  Glance seen;
  seen.detail = detail_for(cell, viewer, nullptr, wishes, policy);
  seen.kind = kind_of(user(cell), policy.default_audience);
  seen.last_seen = user(cell).last_seen;
  seen.status = status_at(cell, wishes, policy, now);
  return seen;
}

// ---- whom a viewer has to do with -------------------------------------------

namespace {

// The rule for everywhere as relations know it, and what strangers see by it. Most are the same.
class RuleKnown {
 public:
  explicit RuleKnown(const Policy& policy) { rules_.preset = policy.default_audience; }

  void look_at(const Relation& relation) {
    const Rule rule{relation.user_audience, relation.user_detail};
    const bool is_same = is_known_ && relation.user_has_rule == rules_.of_user.has_value() &&
                         (!relation.user_has_rule || *rules_.of_user == rule);
    if (is_same) return;
    is_known_ = true;
    rules_.of_user.reset();
    if (relation.user_has_rule) rules_.of_user = rule;
    to_strangers_ = allowed({}, rules_);
    asks_for_channels_ = presence::asks_for_channels(rules_);
  }
  const Rules& rules() const { return rules_; }
  Detail to_strangers() const { return to_strangers_; }
  bool asks_for_channels() const { return asks_for_channels_; }

 private:
  Rules rules_;
  Detail to_strangers_ = Detail::nothing;
  bool asks_for_channels_ = false;
  bool is_known_ = false;
};

}  // namespace

// Calls `use` with each user of a partition who is here, and whom the viewer sees otherwise than
// strangers do.
template <typename Use>
void Roster::for_each_related(uint32_t partition, const Viewer& viewer, const Policy& policy,
                              Use use) const {
  RuleKnown rule(policy);
  region_.viewers.for_each(viewer.key, partition, [&](const Relation& relation) {
    const User& of = user(relation.user);
    rule.look_at(relation);
    Standing standing = standing_in(relation);
    standing.shares_channel = rule.asks_for_channels() && shares_channel(of, viewer);
    const Detail detail = allowed(standing, rule.rules());
    if (detail == rule.to_strangers() || of.status == Status::offline) return;
    use(of, Glance{of.status, detail, kind_for(rule.to_strangers()), of.last_seen});
  });
}

std::size_t Roster::find_related_cutoffs(uint32_t partition, const Viewer& viewer,
                                         const Policy& policy, Cutoffs& cutoffs) const {
  std::size_t count = 0;
  for_each_related(partition, viewer, policy, [&](const User&, const Glance& glance) {
    Cutoff& cutoff = cutoffs.of(glance.status);
    count += glance.detail >= Detail::status;
    if (glance.detail == Detail::full && cutoff.admits(glance.last_seen))
      cutoff.add(glance.last_seen);
  });
  return count;
}

std::size_t Roster::collect_related(uint32_t partition, const Viewer& viewer, const Policy& policy,
                                    const Cutoffs* cutoffs, std::span<Special> room) const {
  std::size_t count = 0;
  for_each_related(partition, viewer, policy, [&](const User& of, const Glance& glance) {
    if (cutoffs && !cutoffs->reaches(glance)) return;
    if (count < room.size()) {
      Special& special = room[count];
      special.glance = glance;
      special.who.last_seen = of.last_seen;
      special.who.id_bytes = get_id(pool_, of, special.who.id_text);
    }
    count++;
  });
  return count;
}

}  // namespace presence
