// visibility_test.cpp: the table in visibility.h, all of it, and the words of visibility.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/visibility.h"

namespace presence::test {
namespace {

constexpr std::array audiences = {Audience::everyone, Audience::channel, Audience::contacts,
                                  Audience::nobody};
constexpr std::array details = {Detail::nothing, Detail::last_seen, Detail::status, Detail::full};

// ---- the table -------------------------------------------------------------

// The order of DESIGN.md: "block, then the viewer's own rule, then the channel's, then the user's,
// then presence.default_audience; the first that speaks decides."
Detail wanted(const Standing& standing, const Rules& rules) {
  if (standing.is_blocked) return Detail::nothing;
  if (standing.own != Detail::nothing) return standing.own;
  for (const std::optional<Rule>& rule :
       {rules.of_channel, rules.of_user, std::optional(Rule{rules.preset, Detail::full})}) {
    if (!rule) continue;
    const bool is_meant = rule->audience == Audience::everyone ||
                          (rule->audience == Audience::channel && standing.shares_channel) ||
                          (rule->audience == Audience::contacts && standing.is_contact);
    return is_meant ? rule->detail : Detail::nothing;
  }
  return Detail::nothing;
}

std::vector<std::optional<Rule>> all_rules() {
  std::vector<std::optional<Rule>> rules = {std::nullopt};
  for (const Audience audience : audiences)
    for (const Detail detail : details) rules.push_back(Rule{audience, detail});
  return rules;
}

std::vector<Standing> all_standings() {
  std::vector<Standing> standings;
  for (const bool is_blocked : {false, true})
    for (const bool is_contact : {false, true})
      for (const bool shares_channel : {false, true})
        for (const Detail own : details)
          standings.push_back({is_blocked, is_contact, own, shares_channel});
  return standings;
}

std::vector<Rules> all_sets_of_rules() {
  std::vector<Rules> sets;
  for (const auto& of_channel : all_rules())
    for (const auto& of_user : all_rules())
      for (const Audience preset : audiences) sets.push_back({of_channel, of_user, preset});
  return sets;
}

std::string in_words(const Standing& standing, const Rules& rules) {
  const auto of = [](const std::optional<Rule>& rule) {
    return rule ? std::string(name_of(rule->audience)) + "/" + std::string(name_of(rule->detail))
                : std::string("none");
  };
  return std::string(standing.is_blocked ? "blocked, " : "") +
         (standing.is_contact ? "contact, " : "") + (standing.shares_channel ? "near, " : "") +
         "own " + std::string(name_of(standing.own)) + ", channel " + of(rules.of_channel) +
         ", user " + of(rules.of_user) + ", preset " + std::string(name_of(rules.preset));
}

TEST(Allowed, IsTheTable) {
  std::size_t cases = 0;
  for (const Rules& rules : all_sets_of_rules())
    for (const Standing& standing : all_standings()) {
      ASSERT_EQ(allowed(standing, rules), wanted(standing, rules)) << in_words(standing, rules);
      cases++;
    }
  EXPECT_EQ(cases, 2u * 2 * 2 * 4 * 17 * 17 * 4);
}

// Only then does a reader look for channels.
TEST(Allowed, HangsOnSharedChannelsOnlyWhereItSaysSo) {
  for (const Rules& rules : all_sets_of_rules()) {
    bool hangs = false;
    for (Standing standing : all_standings()) {
      const Detail before = allowed(standing, rules);
      standing.shares_channel = !standing.shares_channel;
      hangs |= allowed(standing, rules) != before;
    }
    ASSERT_LE(hangs, asks_for_channels(rules)) << in_words({}, rules);
    const Rule in_force =
        rules.of_channel.value_or(rules.of_user.value_or(Rule{rules.preset, Detail::full}));
    ASSERT_EQ(asks_for_channels(rules), in_force.audience == Audience::channel);
  }
}

// A relation never makes a stranger see less than everybody does but by a block or its own detail.
TEST(Allowed, AContactWithoutADetailSeesNoLessThanAStranger) {
  for (const Rules& rules : all_sets_of_rules())
    for (const bool near : {false, true}) {
      const Detail stranger = allowed({false, false, Detail::nothing, near}, rules);
      EXPECT_GE(allowed({false, true, Detail::nothing, near}, rules), stranger);
    }
}

TEST(Detail, GrowsFromNothingToFull) {
  EXPECT_LT(Detail::nothing, Detail::last_seen);
  EXPECT_LT(Detail::last_seen, Detail::status);
  EXPECT_LT(Detail::status, Detail::full);
}

// ---- names -----------------------------------------------------------------

TEST(VisibilityNames, AreThoseOfTheDocuments) {
  EXPECT_EQ(name_of(Audience::everyone), "everyone");
  EXPECT_EQ(name_of(Audience::channel), "channel");
  EXPECT_EQ(name_of(Audience::contacts), "contacts");
  EXPECT_EQ(name_of(Audience::nobody), "nobody");
  EXPECT_EQ(name_of(Detail::nothing), "nothing");
  EXPECT_EQ(name_of(Detail::last_seen), "last_seen");
  EXPECT_EQ(name_of(Detail::status), "status");
  EXPECT_EQ(name_of(Detail::full), "full");
  EXPECT_EQ(name_of(Bucket::recently), "recently");
  EXPECT_EQ(name_of(Bucket::within_week), "within_week");
  EXPECT_EQ(name_of(Bucket::within_month), "within_month");
  EXPECT_EQ(name_of(Bucket::long_ago), "long_ago");
}

TEST(VisibilityNames, AreReadBackAndNothingElseIs) {
  for (const Audience audience : audiences) EXPECT_EQ(audience_named(name_of(audience)), audience);
  for (const Detail detail : details) EXPECT_EQ(detail_named(name_of(detail)), detail);
  for (const std::string_view other : {"", "Everyone", "everyone ", "every", "public", "none"}) {
    EXPECT_FALSE(audience_named(other)) << other;
    EXPECT_FALSE(detail_named(other)) << other;
  }
  EXPECT_FALSE(audience_named("full"));
  EXPECT_FALSE(detail_named("nobody"));
}

// ---- buckets ---------------------------------------------------------------

TEST(Buckets, ChangeAfterThreeSevenAndThirtyDays) {
  constexpr Time now = 840'000'000 * second;
  constexpr Duration day = 24 * 60 * minute;
  const auto after = [](Duration by) { return name_of(bucket_of(now - by, now)); };
  EXPECT_EQ(after(0), "recently");
  EXPECT_EQ(after(-minute), "recently") << "a clock may go back";
  EXPECT_EQ(after(3 * day - 1), "recently");
  EXPECT_EQ(after(3 * day), "within_week");
  EXPECT_EQ(after(7 * day - 1), "within_week");
  EXPECT_EQ(after(7 * day), "within_month");
  EXPECT_EQ(after(30 * day - 1), "within_month");
  EXPECT_EQ(after(30 * day), "long_ago");
  EXPECT_EQ(name_of(bucket_of(forever_ago, now)), "long_ago");
  EXPECT_EQ(name_of(bucket_of(never, now)), "recently");
}

}  // namespace
}  // namespace presence::test
