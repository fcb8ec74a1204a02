// game_visibility.cpp: rules, those who look by them, and what everybody hears.
#include <algorithm>

#include "game.h"

namespace presence::test {

namespace {

constexpr std::array audiences = {Audience::everyone, Audience::everyone, Audience::channel,
                                  Audience::contacts, Audience::nobody};
constexpr std::array details = {Detail::last_seen, Detail::status, Detail::full, Detail::full};
constexpr std::array own_details = {Detail::nothing,   Detail::nothing, Detail::nothing,
                                    Detail::last_seen, Detail::status,  Detail::full};

Status as_seen(Status status, Detail detail) {
  return detail >= Detail::status ? status : Status::offline;
}

}  // namespace

// ---- rules -----------------------------------------------------------------

GivenShown Game::some_shown(const Key& key) {
  const auto user = model_.users.find(key);
  GivenShown shown;
  shown.detail = dice_.one_in(6) ? Detail::nothing : dice_.one_of(details);
  shown.last_seen = now_ - dice_.one_of(pauses);
  if (user != model_.users.end() && dice_.one_in(2)) shown.last_seen = user->second.facts.last_seen;
  shown.activity_count = dice_.below(9);
  shown.message = text_of(dice_.one_of(std::array{0u, 4u, 121u}), 'h');
  if (dice_.one_in(3)) shown.message_until = now_ + dice_.one_of(pauses);
  shown.data = text_of(dice_.one_of(std::array{0u, 7u, 130u}), 'k');
  shown.is_new = dice_.one_in(2);
  return shown;
}

// Any that are possible, also where the functions would not have made them.
Ask Game::some_rules(const Key& key) {
  Ask ask;
  ask.kind = ChangeKind::set_visibility;
  ask.at = now_;
  ask.realm = key.first;
  if (dice_.one_in(5)) return ask;
  GivenRules& rules = ask.rules;
  // None, one of those that are there, or another.
  const auto one_shown = [&] {
    const uint32_t count = static_cast<uint32_t>(rules.shown.size());
    const uint32_t number = dice_.below(count + 3);
    if (number == count && count < 3) rules.shown.push_back(some_shown(key));
    return number < rules.shown.size() ? static_cast<int>(number) : shown_as_others;
  };
  if (dice_.one_in(2)) rules.rule = Rule{dice_.one_of(audiences), dice_.one_of(details)};
  for (const std::string& channel : channel_ids)
    if (dice_.one_in(4))
      rules.channel_rules.emplace_back(channel,
                                       Rule{dice_.one_of(audiences), dice_.one_of(details)});
  for (const std::string& viewer : viewer_ids) {
    if (!dice_.one_in(4)) continue;
    GivenRelation relation{viewer, dice_.one_in(2), dice_.one_in(4), Detail::nothing, one_shown()};
    if (relation.is_contact) relation.own = dice_.one_of(own_details);
    rules.relations.push_back(relation);
  }
  rules.to_strangers = one_shown();
  rules.to_contacts = one_shown();
  return ask;
}

const GivenRules& Game::rules_in_table(const Key& key) const {
  static const GivenRules none;
  const auto found = rule_rows_.find(key);
  return found == rule_rows_.end() ? none : found->second;
}

std::vector<Cell> Game::held_rules() const {
  std::vector<Cell> rules;
  for (const Transaction& transaction : transactions_)
    for (const Claimed& claimed : transaction.claimed)
      for (const OpenWish& open : claimed.wishes)
        if (open.wish.visibility != no_cell) rules.push_back(open.wish.visibility);
  return rules;
}

// ---- who looks -------------------------------------------------------------

Viewer Game::viewer(uint16_t realm, const std::string& id) {
  viewers_channels_.clear();
  const auto user = model_.users.find({realm, id});
  if (user != model_.users.end())
    for (const auto& [channel, place] : user->second.places)
      if (place.joined) viewers_channels_.push_back(region_.channel_key(realm, channel).hash);
  std::sort(viewers_channels_.begin(), viewers_channels_.end());
  return {region_.viewer_key(realm, id), viewers_channels_};
}

// By the rules that are committed, or as a transaction that has changed them sees it.
void Game::compare_seen(const Key& key, Cell cell, const std::string& id, const Claimed* claimed) {
  const Viewer looks = viewer(key.first, id);
  const std::vector<Wish> wishes = claimed ? wishes_of(*claimed) : std::vector<Wish>{};
  const std::vector<Ask> asks = claimed ? asks_of(*claimed) : std::vector<Ask>{};
  const Policy& policy = model_.policy;
  const Detail detail = model_.detail(key, id, asks);
  expect(roster_.detail_for(cell, looks, nullptr, wishes, policy) == detail,
         "how much a viewer sees", key);
  for (const std::string& channel : channel_ids) {
    const ChannelKey channel_key = region_.channel_key(key.first, channel);
    expect(roster_.detail_for(cell, looks, &channel_key, wishes, policy) ==
               model_.detail(key, id, asks, &channel),
           "how much a viewer sees in a channel", key);
  }
  const NaiveSeen wanted = model_.seen(key, id, asks, now_);
  roster_.view_for(cell, looks, wishes, policy, now_, view_);
  expect(view_.id() == key.second, "a viewer sees who it is", key);
  expect(view_.detail == wanted.detail, "a view says how much it is meant to be", key);
  expect(view_.status == wanted.status, "a viewer sees the status", key);
  expect(view_.message() == wanted.message, "a viewer sees the message", key);
  expect(view_.page() == wanted.page, "a viewer sees the page", key);
  expect(view_.data() == wanted.data, "a viewer sees the data", key);
  expect(view_.last_seen == wanted.last_seen, "a viewer sees last_seen", key);
  expect(view_.has_last_seen == (wanted.last_seen != forever_ago), "whether it was ever seen", key);
  expect(view_.activity_count == wanted.activity_count, "a viewer sees the activity", key);
  expect(view_.session_count == wanted.session_count, "a viewer sees the sessions", key);
  expect(view_.interactions_per_minute == wanted.interactions_per_minute,
         "a viewer sees the interactions", key);
  const Glance glance = roster_.glance(cell, looks, wishes, policy, now_);
  const NaiveUser& user = model_.users.at(key);
  expect(glance.detail == detail, "a glance says how much is seen", key);
  expect(glance.kind == kind_for(model_.detail_for_strangers(user)), "a glance has the kind", key);
  expect(glance.last_seen == user.facts.last_seen, "a glance has last_seen", key);
  const NaiveView all = model_.view(user, asks, now_);
  expect(glance.status == all.visible.status, "a glance has the status", key);
}

// ---- lists -----------------------------------------------------------------

void Game::compare_lists_for(uint16_t realm, const std::string& id) {
  Counts counts, wanted;
  std::set<std::string> related, found;
  for (const auto& [key, user] : model_.users) {
    if (key.first != realm) continue;
    const Detail to_strangers = model_.detail_for_strangers(user);
    if (to_strangers >= Detail::status) {
      wanted.online += user.visible.status == Status::online;
      wanted.busy += user.visible.status == Status::busy;
      wanted.away += user.visible.status == Status::away;
    }
    if (key.second == id || user.visible.status == Status::offline) continue;
    for (const GivenRelation& one : user.rules.relations)
      if (one.viewer == id && model_.detail(key, id, {}) != to_strangers)
        related.insert(key.second);
  }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster_.count_seen(realm, partition, counts);
  expect(counts.online == wanted.online && counts.busy == wanted.busy && counts.away == wanted.away,
         "those whom strangers see are counted");
  std::array<Special, ids.size()> room;
  const Viewer looks = viewer(realm, id);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    const std::size_t count =
        roster_.collect_related(partition, looks, model_.policy, nullptr, room);
    for (std::size_t i = 0; i < count; i++) found.emplace(room[i].who.id());
  }
  found.erase(id);
  expect(found == related, "a viewer finds those who stand otherwise to it");
  for (const Status status : {Status::online, Status::busy, Status::away})
    compare_best_for(realm, status, id);
}

// Of the open ones, but for those who have said otherwise.
void Game::compare_best_for(uint16_t realm, Status status, const std::string& id) {
  std::vector<std::pair<Time, std::string>> open;
  std::set<std::string> veiled, found_veiled;
  for (const auto& [key, user] : model_.users) {
    if (key.first != realm || user.visible.status != status) continue;
    const UserKind kind = kind_for(model_.detail_for_strangers(user));
    if (kind == UserKind::veiled) veiled.insert(key.second);
    if (kind == UserKind::open && model_.detail(key, id, {}) == Detail::full)
      open.emplace_back(-user.facts.last_seen, key.second);
  }
  std::sort(open.begin(), open.end());
  const Viewer looks = viewer(realm, id);
  const std::size_t limit = 1 + looks_ % 3;
  std::array<Time, 3> best;
  Cutoff cutoff{{best.data(), limit}, 0, forever_ago};
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster_.find_cutoff(realm, partition, status, &looks, model_.policy, cutoff);
  expect(cutoff.count == std::min(limit, open.size()), "the cutoff counts whom a viewer sees");
  const Time not_before = cutoff.count == limit ? best[0] : forever_ago;
  std::vector<std::pair<Time, std::string>> found;
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    std::array<Candidate, ids.size()> room;
    std::size_t count =
        roster_.collect(realm, partition, status, &looks, model_.policy, not_before, room);
    for (std::size_t i = 0; i < count; i++)
      found.emplace_back(-room[i].last_seen, std::string(room[i].id()));
    count = roster_.collect_kind(realm, partition, status, UserKind::veiled, room);
    for (std::size_t i = 0; i < count; i++) found_veiled.emplace(room[i].id());
  }
  std::sort(found.begin(), found.end());
  expect(found_veiled == veiled, "those of whom strangers see the status are collected");
  expect(found.size() >= std::min(limit, open.size()) && found.size() <= open.size(),
         "enough are collected for a viewer");
  for (std::size_t i = 0; i < found.size(); i++)
    expect(found[i] == open[i], "the best are collected for a viewer");
}

// ---- what everybody hears --------------------------------------------------

void Game::compare_news(const Key& key) {
  const NaiveUser& user = model_.users.at(key);
  const UserNews& news = user_news_;
  const Audience audience =
      user.rules.rule ? user.rules.rule->audience : model_.policy.default_audience;
  expect(news.detail == model_.detail_for_everybody(user), "news say how much is for all", key);
  expect(news.audience == audience, "news say for whom they are", key);
  expect(news.before == as_seen(user.announced, user.told_detail), "what everybody knew", key);
  expect(news.now == as_seen(user.visible.status, news.detail), "what everybody may know", key);
  expect(news.everybody_hears == model_.everybody_hears(user), "whether everybody hears", key);
  const auto believed = beliefs_.find(key);
  const Status belief = believed == beliefs_.end() ? Status::offline : believed->second.status;
  expect(news.before == belief, "news go on from what everybody believes", key);
}

void Game::compare_member_news(const Key& key, const std::string& channel) const {
  const NaiveUser& user = model_.users.at(key);
  const GivenRules& rules = user.rules;
  Audience audience = rules.rule ? rules.rule->audience : model_.policy.default_audience;
  for (const auto& [of, rule] : rules.channel_rules)
    if (of == channel) audience = rule.audience;
  const auto listener = everybody_.find({key.first, channel});
  Heard before;
  if (listener != everybody_.end() && listener->second.users.count(key.second) > 0)
    before = listener->second.users.at(key.second);
  const MemberChanges& heard = member_news_.everybody;
  if (member_news_.detail < Detail::status && !member_news_.large && !before.joined &&
      !before.types)
    expect(!heard.any(), "nothing is told of whom nobody saw or sees", key);
  if (member_news_.detail < Detail::full)
    expect(!heard.moved && !heard.state_set, "where a member is, is not for all", key);
  expect(member_news_.detail == model_.detail_for_everybody(user, &channel),
         "news of a member say how much is for all", key);
  expect(member_news_.of_user == model_.detail_for_everybody(user), "and elsewhere", key);
  expect(member_news_.audience == audience, "news of a member say for whom they are", key);
}

// What everybody is told takes the place of what was believed.
void Game::believe(const Key& key) {
  if (!user_news_.everybody_hears) return;
  Believed& belief = beliefs_[key];
  belief.status = user_news_.now;
  belief.message = belief.data = {};
  if (user_news_.detail != Detail::full || user_news_.now == Status::offline) return;
  belief.message = user_news_.user.message();
  belief.data = user_news_.user.data();
}

// What everybody believes is what everybody may see.
void Game::compare_beliefs(uint16_t realm) const {
  for (const auto& [key, user] : model_.users) {
    if (key.first != realm) continue;
    const auto found = beliefs_.find(key);
    const Believed belief = found == beliefs_.end() ? Believed{} : found->second;
    const Detail detail = model_.detail_for_everybody(user);
    expect(belief.status == as_seen(user.visible.status, detail), "everybody knows the status",
           key);
    if (belief.status == Status::offline) continue;
    const bool is_all = detail == Detail::full;
    expect(belief.message == (is_all ? user.visible.message : ""), "everybody knows the message",
           key);
    expect(belief.data == (is_all ? user.data : ""), "everybody knows the data", key);
  }
}

}  // namespace presence::test
