// visibility_fixture.h: users with rules, those who look at them, and what everybody hears.
#pragma once

#include "channel_fixture.h"

namespace presence::test {

// What presence_get has of a user.
struct Seen {
  std::string id;
  Detail detail;
  Status status;
  std::string message;
  Time message_until;
  std::optional<Time> last_seen;
  std::string page, data;
  uint32_t sessions, activities, per_minute;

  bool operator==(const Seen&) const = default;
};

inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << seen.id << " by " << name_of(seen.detail) << ": " << name_of(seen.status) << " '"
       << seen.message << "' until " << seen.message_until << ", last seen "
       << seen.last_seen.value_or(forever_ago) << " on '" << seen.page << "' with '" << seen.data
       << "', " << seen.sessions << " sessions, " << seen.activities << " activities, "
       << seen.per_minute << " a minute";
}

// Strangers are whoever nobody has anything to do with: "zoe" here.
class VisibilityTest : public ChannelTest {
 protected:
  explicit VisibilityTest(RegionSize size = {}) : ChannelTest(size) {}

  // ---- rules
  static GivenRules rule(Audience audience, Detail detail = Detail::full) {
    GivenRules rules;
    rules.rule = Rule{audience, detail};
    return rules;
  }
  static GivenRelation contact(std::string_view viewer, Detail own = Detail::nothing) {
    return {std::string(viewer), true, false, own, shown_as_others};
  }
  static GivenRelation block(std::string_view viewer, int shown = shown_as_others) {
    return {std::string(viewer), false, true, Detail::nothing, shown};
  }
  static GivenRules with(std::vector<GivenRelation> relations, GivenRules rules = {}) {
    rules.relations = std::move(relations);
    return rules;
  }
  static Ask to_set(const GivenRules& rules) {
    Ask ask;
    ask.kind = ChangeKind::set_visibility;
    ask.rules = rules;
    return ask;
  }
  void set_rules(std::string_view id, const GivenRules& rules) {
    has_rules_ = true;
    commit(id, to_set(rules));
  }
  void set_preset(Audience audience) {
    has_rules_ = true;
    policy.default_audience = audience;
    reschedule();
  }
  // As the function keeps it for those who see so much of a user, and will see nothing.
  GivenShown as_of_now(std::string_view id, Detail detail = Detail::full) {
    roster.view(find(id), {}, policy, now, view_);
    GivenShown shown;
    shown.detail = detail;
    shown.last_seen = view_.last_seen;
    shown.activity_count = view_.activity_count;
    if (detail == Detail::full) {
      shown.message = view_.message();
      shown.message_until = view_.message_until;
      shown.data = view_.data();
    }
    shown.is_new = true;
    return shown;
  }
  GivenRules hidden(std::string_view id, Detail before = Detail::full) {
    GivenRules rules = rule(Audience::nobody);
    rules.shown = {as_of_now(id, before)};
    rules.to_strangers = 0;
    return rules;
  }
  void hide(std::string_view id) { set_rules(id, hidden(id)); }
  void show(std::string_view id) { set_rules(id, {}); }
  void set_data(std::string_view id, std::string_view session, const std::string& data) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = Status::online;
    ask.reason = Reason::connect;
    ask.session = session;
    ask.data = data;
    commit(id, ask);
  }
  Cell load(std::string_view id, const Row& row, const GivenRules& rules) {
    has_rules_ = true;
    RulesAsFacts facts(rules);
    Row given = row;
    given.visibility = &facts.facts;
    return roster.load(key(id), given, policy, now);
  }

  // ---- viewers
  Viewer viewer(std::string_view id) {
    std::vector<uint64_t>& hashes = hashes_[std::string(id)];
    hashes.clear();
    if (find(id) != no_cell)
      for (const std::string& channel : channels_of(id))
        hashes.push_back(channel_key(channel).hash);
    std::sort(hashes.begin(), hashes.end());
    return {region.viewer_key(0, id), hashes};
  }
  bool is_viewer(std::string_view id) const {
    return region.viewers.find(region.viewer_key(0, id)) != no_cell;
  }
  Detail detail(std::string_view who, std::string_view id, std::span<const Wish> wishes = {}) {
    return roster.detail_for(find(id), viewer(who), nullptr, wishes, policy);
  }
  Detail detail_in(std::string_view who, std::string_view id, std::string_view channel) {
    const ChannelKey in = channel_key(channel);
    return roster.detail_for(find(id), viewer(who), &in, {}, policy);
  }
  Seen seen(std::string_view who, std::string_view id, std::span<const Wish> wishes = {}) {
    roster.view_for(find(id), viewer(who), wishes, policy, now, view_);
    return seen_in(view_);
  }
  // By the trusted application.
  Seen as_it_is(std::string_view id, std::span<const Wish> wishes = {}) {
    roster.view(find(id), wishes, policy, now, view_);
    return seen_in(view_);
  }
  Glance glance(std::string_view who, std::string_view id) {
    return roster.glance(find(id), viewer(who), {}, policy, now);
  }

  // ---- lists
  // The users of a status whom a viewer finds in the lists of the open ones, newest first.
  Lines listed(std::string_view who, Status status = Status::online, std::size_t limit = 100) {
    std::vector<Time> best(limit);
    Cutoff cutoff{best, 0, forever_ago};
    const Viewer looks = viewer(who);
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.find_cutoff(0, partition, status, &looks, policy, cutoff);
    std::vector<std::pair<Time, std::string>> found;
    std::vector<Candidate> room(100);
    const Time not_before = cutoff.count == limit ? best[0] : forever_ago;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const std::size_t count =
          roster.collect(0, partition, status, &looks, policy, not_before, room);
      for (std::size_t i = 0; i < count; i++)
        found.emplace_back(-room[i].last_seen, std::string(room[i].id()));
    }
    EXPECT_EQ(cutoff.count, std::min(limit, found.size()));
    std::sort(found.begin(), found.end());
    Lines ids;
    for (const auto& [last_seen, id] : found) ids.push_back(id);
    return ids;
  }
  Lines veiled(Status status = Status::online) const {
    Lines ids;
    std::vector<Candidate> room(100);
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const std::size_t count = roster.collect_kind(0, partition, status, UserKind::veiled, room);
      for (std::size_t i = 0; i < count; i++) ids.emplace_back(room[i].id());
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  // Whom a viewer sees otherwise than strangers do, by a relation.
  Lines related(std::string_view who, const Cutoffs* cutoffs = nullptr) {
    std::vector<Special> room(100);
    const Viewer viewer{region.viewer_key(0, who), {}};
    Lines ids;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const std::size_t count = roster.collect_related(partition, viewer, policy, cutoffs, room);
      for (std::size_t i = 0; i < count; i++) ids.emplace_back(room[i].who.id());
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::string counts_seen() const {
    Counts counts;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.count_seen(0, partition, counts);
    return std::to_string(counts.online) + " online, " + std::to_string(counts.busy) + " busy, " +
           std::to_string(counts.away) + " away";
  }

  // ---- what everybody hears of users and members
  Lines heard() {
    Lines lines;
    settle();
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(partition))
        if (user_news_.everybody_hears) lines.push_back(in_words(user_news_));
    std::sort(lines.begin(), lines.end());
    channel_news();
    news();
    lines.insert(lines.end(), public_news_.begin(), public_news_.end());
    return lines;
  }
  // And those who may know everything.
  Lines heard_by_all() {
    Lines lines;
    settle();
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(partition))
        lines.push_back(std::string(view_.id()) + " " + std::string(name_of(view_.announced)) +
                        " to " + std::string(name_of(view_.status)));
    std::sort(lines.begin(), lines.end());
    channel_news();
    const Lines of_members = news();
    lines.insert(lines.end(), of_members.begin(), of_members.end());
    return lines;
  }

 private:
  static std::string in_words(const UserNews& news) {
    const UserView& user = news.user;
    std::string words = std::string(user.id()) + " " + std::string(name_of(news.before)) + " to " +
                        std::string(name_of(news.now));
    if (news.detail == Detail::nothing) return words;
    if (news.detail != Detail::full) return words + " by " + std::string(name_of(news.detail));
    if (user.message_bytes > 0) words += " '" + std::string(user.message()) + "'";
    if (user.data_bytes > 0) words += " with " + std::string(user.data());
    return words;
  }
  static Seen seen_in(const UserView& view) {
    Seen seen{std::string(view.id()),
              view.detail,
              view.status,
              std::string(view.message()),
              view.message_until,
              std::nullopt,
              std::string(view.page()),
              std::string(view.data()),
              view.session_count,
              view.activity_count,
              view.interactions_per_minute};
    if (view.has_last_seen) seen.last_seen = view.last_seen;
    return seen;
  }

  std::map<std::string, std::vector<uint64_t>> hashes_;
};

}  // namespace presence::test
