// user_rules_test.cpp: sessions and choices of a user together. DESIGN.md, section 3.
#include <gtest/gtest.h>

#include "core/status.h"

namespace presence {
namespace {

constexpr Time t0 = 1'000 * minute;
constexpr TextHandle hello = 1, lunch = 2;
const Policy policy;

class UserRules : public testing::Test {
 protected:
  Look at(Time when) const { return look(facts, policy, when); }
  void touch(Time when) { record_activity(facts, when); }
  void apply(Change change, Time when) {
    change.at = when;
    presence::apply(facts, change, dropped);
  }
  void choose(Status status, Time when, Time until = never, GivenMessage message = std::nullopt) {
    apply({ChangeKind::choose, status, 0, until, message}, when);
  }
  void apply(ChangeKind kind, Time when, GivenMessage message = std::nullopt, Time until = never) {
    apply({kind, Status::offline, 0, until, message}, when);
  }

  UserFacts facts;
  DroppedTexts dropped;
};

TEST_F(UserRules, NobodyIsOffline) {
  EXPECT_EQ(at(t0).status, Status::offline);
  EXPECT_EQ(at(t0).until, never);
}

TEST_F(UserRules, ATouchMakesASession) {
  touch(t0);
  EXPECT_EQ(at(t0).status, Status::online);
  EXPECT_EQ(at(t0).until, t0 + 5 * minute);
  EXPECT_EQ(at(t0 + 5 * minute).status, Status::away);
  EXPECT_EQ(at(t0 + 30 * minute).status, Status::offline);
  EXPECT_EQ(facts.last_seen, t0);
}

TEST_F(UserRules, ManualLiesOverAutomatic) {
  choose(Status::busy, t0);
  EXPECT_EQ(at(t0 + 20 * minute).status, Status::busy);
  EXPECT_EQ(at(t0).until, t0 + 30 * minute);
}

TEST_F(UserRules, ABusyUserTimesOutToo) {
  choose(Status::busy, t0);
  EXPECT_EQ(at(t0 + 30 * minute).status, Status::offline);
}

TEST_F(UserRules, AManualAwayStaysOnActivity) {
  choose(Status::away, t0);
  touch(t0 + minute);
  EXPECT_EQ(at(t0 + minute).status, Status::away);
}

TEST_F(UserRules, SetStatusIsActivity) {
  touch(t0);
  choose(Status::busy, t0 + 20 * minute);
  EXPECT_EQ(facts.last_seen, t0 + 20 * minute);
  EXPECT_EQ(at(t0 + 45 * minute).status, Status::busy);
}

TEST_F(UserRules, OnlineTakesTheManualStatusAway) {
  choose(Status::busy, t0);
  apply(ChangeKind::be_automatic, t0 + minute);
  EXPECT_EQ(at(t0 + minute).status, Status::online);
  EXPECT_EQ(facts.last_seen, t0 + minute);
}

TEST_F(UserRules, ClearIsNoActivity) {
  choose(Status::busy, t0);
  apply(ChangeKind::clear, t0 + 10 * minute);
  EXPECT_EQ(at(t0 + 10 * minute).status, Status::away) << "idle by its last activity";
  EXPECT_EQ(facts.last_seen, t0);
}

TEST_F(UserRules, SetMessageIsNoActivityAndLeavesTheStatus) {
  touch(t0);
  apply(ChangeKind::set_message, t0 + 10 * minute, hello);
  EXPECT_EQ(at(t0 + 10 * minute).status, Status::away);
  EXPECT_EQ(at(t0 + 10 * minute).message, hello);
  EXPECT_EQ(facts.last_seen, t0);
}

TEST_F(UserRules, SomebodyOfflineMayHaveAMessage) {
  apply(ChangeKind::set_message, t0, hello, t0 + minute);
  EXPECT_EQ(at(t0).status, Status::offline);
  EXPECT_EQ(at(t0).message, hello);
  EXPECT_EQ(at(t0 + minute).message, 0u);
}

TEST_F(UserRules, LogoutEndsAllSessionsAndTheChoice) {
  choose(Status::busy, t0, never, hello);
  facts.others.add(facts.newest, policy, t0);
  apply(ChangeKind::leave, t0 + minute);
  EXPECT_EQ(at(t0 + minute).status, Status::offline);
  EXPECT_EQ(at(t0 + minute).message, hello) << "NULL keeps the message";
  EXPECT_EQ(facts.last_seen, t0 + minute);
  EXPECT_TRUE(facts.all_ended);
  touch(t0 + 2 * minute);
  EXPECT_EQ(at(t0 + 2 * minute).status, Status::online) << "the choice is gone";
}

TEST_F(UserRules, LoggingOutEndsAllSessionsAndKeepsTheChoice) {
  choose(Status::busy, t0, never, hello);
  facts.others.add(facts.newest, policy, t0);
  apply(ChangeKind::log_out, t0 + minute);
  EXPECT_EQ(at(t0 + minute).status, Status::offline);
  EXPECT_EQ(facts.last_seen, t0 + minute);
  touch(t0 + 2 * minute);
  EXPECT_EQ(at(t0 + 2 * minute).status, Status::busy);
}

TEST_F(UserRules, ForgetLeavesNothing) {
  choose(Status::busy, t0, never, hello);
  apply(ChangeKind::forget, t0 + minute);
  EXPECT_EQ(facts.last_seen, forever_ago);
  EXPECT_FALSE(facts.connected);
  EXPECT_TRUE(facts.choices.empty());
  EXPECT_EQ(dropped.count, 1);
}

TEST_F(UserRules, AnExpiredChoiceUncoversWhatTheSessionsSayByThen) {
  choose(Status::busy, t0, t0 + 3 * minute);
  EXPECT_EQ(at(t0).until, t0 + 3 * minute);
  EXPECT_EQ(at(t0 + 3 * minute).status, Status::online);
  EXPECT_EQ(at(t0 + 3 * minute).until, t0 + 5 * minute);

  choose(Status::busy, t0 + 10 * minute, t0 + 20 * minute);
  EXPECT_EQ(at(t0 + 20 * minute).status, Status::away);
}

TEST_F(UserRules, AMessageWithAnEndIsAChangeOfItsOwn) {
  choose(Status::busy, t0);
  apply(ChangeKind::set_message, t0, lunch, t0 + minute);
  EXPECT_EQ(at(t0).until, t0 + minute);
  EXPECT_EQ(at(t0 + minute).status, Status::busy);
  EXPECT_EQ(at(t0 + minute).message, 0u);
}

TEST_F(UserRules, AManualStatusLastsWhileAnySessionLives) {
  touch(t0);
  SessionFacts heartbeats;
  heartbeats.active_at = t0 - minute;
  heartbeats.heard_at = t0;
  heartbeats.lease = 240 * 60 * 1000;
  facts.others.add(heartbeats, policy, t0);
  choose(Status::busy, t0);
  EXPECT_EQ(at(t0).until, t0 + 240 * minute);
}

TEST_F(UserRules, LastSeenNeverMovesBack) {
  touch(t0);
  touch(t0 - minute);
  EXPECT_EQ(facts.last_seen, t0);
  EXPECT_EQ(facts.newest.active_at, t0);
}

}  // namespace
}  // namespace presence
