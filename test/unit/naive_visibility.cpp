// naive_visibility.cpp: who sees whom, asked of everybody, one by one.
#include <algorithm>

#include "naive_model.h"

namespace presence::test {

// "block, then the viewer's own rule, then the channel's, then the user's, then
// presence.default_audience; the first that speaks decides"
Detail NaiveModel::detail_by(const GivenRules& rules, const GivenRelation& relation, bool is_near,
                             const std::string* channel) const {
  if (relation.is_blocked) return Detail::nothing;
  if (relation.own != Detail::nothing) return relation.own;
  Rule rule = rules.rule.value_or(Rule{policy.default_audience, Detail::full});
  for (const auto& [of, of_channel] : rules.channel_rules)
    if (channel && of == *channel) rule = of_channel;
  const bool is_meant = rule.audience == Audience::everyone ||
                        (rule.audience == Audience::channel && is_near) ||
                        (rule.audience == Audience::contacts && relation.is_contact);
  return is_meant ? rule.detail : Detail::nothing;
}

const GivenRules& NaiveModel::rules_of(const NaiveUser& user, const std::vector<Ask>& asks) {
  static const GivenRules none;
  for (auto ask = asks.rbegin(); ask != asks.rend(); ++ask) {
    if (ask->kind == ChangeKind::set_visibility) return ask->rules;
    if (ask->kind == ChangeKind::forget) return none;
  }
  return user.rules;
}

namespace {

GivenRelation relation_to(const GivenRules& rules, const std::string& viewer) {
  for (const GivenRelation& one : rules.relations)
    if (one.viewer == viewer) return one;
  return {};
}

}  // namespace

// Both are members of the same channel.
bool NaiveModel::is_near(const Key& key, const std::string& viewer) const {
  const auto other = users.find({key.first, viewer});
  if (other == users.end()) return false;
  for (const auto& [channel, place] : users.at(key).places) {
    const auto there = other->second.places.find(channel);
    if (place.joined && there != other->second.places.end() && there->second.joined) return true;
  }
  return false;
}

Detail NaiveModel::detail(const Key& key, const std::string& viewer, const std::vector<Ask>& asks,
                          const std::string* channel) const {
  if (viewer == key.second) return Detail::full;
  const GivenRules& rules = rules_of(users.at(key), asks);
  return detail_by(rules, relation_to(rules, viewer), is_near(key, viewer), channel);
}

Detail NaiveModel::detail_for_strangers(const NaiveUser& user) const {
  return detail_by(user.rules, {}, false, nullptr);
}

Detail NaiveModel::detail_for_everybody(const NaiveUser& user, const std::string* channel) const {
  if (policy.application_decides) return Detail::nothing;
  Detail least = detail_by(user.rules, {}, false, channel);
  for (const GivenRelation& one : user.rules.relations)
    least = std::min(least, detail_by(user.rules, one, false, channel));
  return least;
}

// "Whom a viewer may not see looks exactly like a user who went offline at the moment of hiding."
NaiveSeen NaiveModel::seen(const Key& key, const std::string& viewer, const std::vector<Ask>& asks,
                           Time now) const {
  const NaiveUser& user = users.at(key);
  NaiveSeen seen;
  const Detail detail = this->detail(key, viewer, asks);
  if (detail == Detail::nothing) {
    const GivenRules& rules = rules_of(user, asks);
    const GivenRelation relation = relation_to(rules, viewer);
    int number = relation.shown;
    if (number == shown_as_others && relation.is_contact) number = rules.to_contacts;
    if (number == shown_as_others) number = rules.to_strangers;
    if (number == shown_as_others) return seen;
    const GivenShown& shown = rules.shown[static_cast<std::size_t>(number)];
    if (shown.detail == Detail::nothing) return seen;
    seen.detail = shown.detail;
    seen.last_seen = shown.last_seen;
    if (shown.is_new) seen.last_seen = std::max(seen.last_seen, user.facts.last_seen);
    if (shown.detail == Detail::last_seen) return seen;
    seen.activity_count = shown.is_new ? user.activity_count : shown.activity_count;
    if (shown.message_until > now) seen.message = shown.message;
    seen.data = shown.data;
    return seen;
  }
  const NaiveView all = view(user, asks, now);
  seen.detail = detail;
  seen.last_seen = all.last_seen;
  if (detail == Detail::last_seen) return seen;
  seen.status = all.visible.status;
  seen.message = all.visible.message;
  seen.data = all.data;
  seen.activity_count = all.activity_count;
  seen.session_count = all.session_count;
  if (seen.status == Status::offline && viewer != key.second) return seen;
  seen.page = all.page;
  seen.interactions_per_minute = all.interactions_per_minute;
  return seen;
}

// ---- changes ---------------------------------------------------------------

// Until now the user was seen.
void NaiveModel::grant_rules(NaiveUser& user, const Ask& ask, Time now) {
  settle(user, now);
  const bool has_rules = !user.rules.empty() || !ask.rules.empty();
  user.rules = ask.rules;
  for (GivenShown& shown : user.rules.shown) {
    if (!shown.is_new) continue;
    shown.is_new = false;
    shown.last_seen = std::max(shown.last_seen, user.facts.last_seen);
    shown.activity_count = user.activity_count;
  }
  if (has_rules) {
    user.rules_changed = true;
    announce_again(user);
  }
  note_detail(user);
}

// Rules are no change of the row.
void NaiveModel::announce_again(NaiveUser& user) {
  if (user.to_announce) return;
  user.to_announce = true;
  user.row_is_current = user.persist == Persist::current || user.persist == Persist::dirty;
}

void NaiveModel::note_detail(NaiveUser& user) {
  if (user.visible.status == Status::offline && user.announced == Status::offline) return;
  if (detail_for_everybody(user) != user.told_detail) announce_again(user);
}

// ---- what everybody hears --------------------------------------------------

bool NaiveModel::everybody_hears(const NaiveUser& user) const {
  const Detail detail = detail_for_everybody(user);
  const bool was_there = user.told_detail >= Detail::status && user.announced != Status::offline;
  const bool is_there = detail >= Detail::status && user.visible.status != Status::offline;
  if (was_there != is_there) return true;
  if (detail == Detail::full && user.told_detail == Detail::full && user.message_changed)
    return true;
  return is_there &&
         (user.visible.status != user.announced || detail != user.told_detail || user.data_changed);
}

}  // namespace presence::test
