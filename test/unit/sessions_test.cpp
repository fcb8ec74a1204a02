// sessions_test.cpp: one session, and several taken together. DESIGN.md, section 3.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "core/status.h"

namespace presence {
namespace {

constexpr Time t0 = 1'000 * minute;  // the last activity
const Policy policy;                 // 5 min, 30 min, 90 s

SessionFacts session(Status said = Status::online) {
  SessionFacts facts;
  facts.said = said;
  facts.active_at = t0;
  return facts;
}

SessionFacts with_heartbeat(SessionFacts facts, Time heard_at, Duration lease = 0) {
  facts.heard_at = heard_at;
  facts.lease = static_cast<uint32_t>(lease / millisecond);
  return facts;
}

SessionFacts with_end(SessionFacts facts, Time ends_at) {
  facts.ends_at = ends_at;
  return facts;
}

SessionFacts kept_until(SessionFacts facts, Time kept_until) {
  facts.kept_until = kept_until;
  return facts;
}

// ---- what a session says at a moment ---------------------------------------

struct Moment {
  const char* name;
  SessionFacts given;
  Time when;
  Status then;
};

class WhatASessionSays : public testing::TestWithParam<Moment> {};

TEST_P(WhatASessionSays, AtThatMoment) {
  const Moment& moment = GetParam();
  EXPECT_EQ(status_of(moment.given, policy, moment.when), moment.then);
}

const Moment moments[] = {
    {"OnlineWhenJustActive", session(), t0, Status::online},
    {"OnlineUntilIdleTimeout", session(), t0 + 5 * minute - 1, Status::online},
    {"AwayAtIdleTimeout", session(), t0 + 5 * minute, Status::away},
    {"AwayUntilOfflineTimeout", session(), t0 + 30 * minute - 1, Status::away},
    {"EndsAtOfflineTimeout", session(), t0 + 30 * minute, Status::offline},
    {"BusyNeverIdles", session(Status::busy), t0 + 29 * minute, Status::busy},
    {"BusyTimesOutToo", session(Status::busy), t0 + 30 * minute, Status::offline},
    {"AwayByItsClientAtOnce", session(Status::away), t0, Status::away},
    {"AwayByItsClientTimesOut", session(Status::away), t0 + 30 * minute, Status::offline},

    {"HeartbeatsEndAfterSessionTimeout", with_heartbeat(session(), t0), t0 + 90 * second,
     Status::offline},
    {"HeartbeatsKeepUntilThen", with_heartbeat(session(), t0), t0 + 90 * second - 1,
     Status::online},
    {"HeartbeatsAloneKeepItAway", with_heartbeat(session(), t0 + 300 * minute), t0 + 301 * minute,
     Status::away},
    {"HeartbeatsAreNoActivity", with_heartbeat(session(), t0 + 4 * minute), t0 + 5 * minute,
     Status::away},
    {"ATouchAfterTheHeartbeatCounts", with_heartbeat(session(), t0 - minute), t0 + 80 * second,
     Status::online},
    {"TheLeaseItAskedFor", with_heartbeat(session(), t0, 240 * minute), t0 + 240 * minute - 1,
     Status::away},
    {"TheLeaseEnds", with_heartbeat(session(), t0, 240 * minute), t0 + 240 * minute,
     Status::offline},
    {"AShortLease", with_heartbeat(session(), t0, 10 * second), t0 + 10 * second, Status::offline},
    {"ALeaseWithoutHeartbeatsIsNone", with_heartbeat(session(), forever_ago, 10 * second),
     t0 + minute, Status::online},

    {"GraceLastsLongerThanTheTimeout", with_end(session(), t0 + 60 * minute), t0 + 40 * minute,
     Status::away},
    {"GraceEnds", with_end(session(), t0 + 60 * minute), t0 + 60 * minute, Status::offline},
    {"GraceIsShorterThanTheTimeout", with_end(session(), t0 + 10 * second), t0 + 10 * second,
     Status::offline},
    {"GraceOverridesTheLease", with_end(with_heartbeat(session(), t0, 240 * minute), t0 + second),
     t0 + second, Status::offline},

    {"AGatewayKeepsItLongerThanTheTimeout", kept_until(session(), t0 + 60 * minute),
     t0 + 60 * minute - 1, Status::away},
    {"AGatewaysSilenceEndsIt", kept_until(session(), t0 + 25 * second), t0 + 25 * second,
     Status::offline},
    {"OfAGatewaysSessionsTheGatewayAloneIsHeard",
     kept_until(with_heartbeat(session(), t0, 240 * minute), t0 + 25 * second), t0 + 25 * second,
     Status::offline},
    {"AGraceWithinItsGatewaysTime", kept_until(with_end(session(), t0 + 10 * second), t0 + minute),
     t0 + 10 * second, Status::offline},
    {"NoGraceOutlivesItsGateway", kept_until(with_end(session(), t0 + 10 * second), t0 + second),
     t0 + second, Status::offline},

    {"LastSeenAtTheEndOfTimeNeverEnds", SessionFacts{.active_at = never - 1}, never - 1,
     Status::online},
    {"NeverSeenIsIdle", with_end(SessionFacts{}, t0), t0 - 1, Status::away},
};

INSTANTIATE_TEST_SUITE_P(Sessions, WhatASessionSays, testing::ValuesIn(moments),
                         [](const auto& info) { return info.param.name; });

// ---- the next moment at which that changes ---------------------------------

TEST(NextChange, IsIdleAndThenTheEnd) {
  EXPECT_EQ(next_change_of(session(), policy, t0), t0 + 5 * minute);
  EXPECT_EQ(next_change_of(session(), policy, t0 + 5 * minute), t0 + 30 * minute);
  EXPECT_EQ(next_change_of(session(), policy, t0 + 30 * minute), never);
}

TEST(NextChange, OfBusyIsTheEnd) {
  EXPECT_EQ(next_change_of(session(Status::busy), policy, t0), t0 + 30 * minute);
}

TEST(NextChange, IsTheEndWhenThatComesBeforeIdle) {
  EXPECT_EQ(next_change_of(with_end(session(), t0 + 10 * second), policy, t0), t0 + 10 * second);
  EXPECT_EQ(next_change_of(with_heartbeat(session(), t0), policy, t0), t0 + 90 * second);
}

TEST(NextChange, AgreesWithTheStatusAtEachSecond) {
  for (const Moment& moment : moments) {
    if (moment.given.active_at != t0) continue;
    Time expected = next_change_of(moment.given, policy, t0);
    for (Time at = t0; at < t0 + 70 * minute; at += second) {
      if (at < expected) continue;
      EXPECT_NE(status_of(moment.given, policy, at - second), status_of(moment.given, policy, at))
          << moment.name;
      expected = next_change_of(moment.given, policy, at);
    }
  }
}

// ---- activity --------------------------------------------------------------

TEST(Activity, BringsAnIdleSessionBack) {
  SessionFacts idle = session();
  record_activity(idle, t0 + 10 * minute);
  EXPECT_EQ(status_of(idle, policy, t0 + 10 * minute), Status::online);
}

TEST(Activity, EndsAnAwayOfItsClientButNotABusy) {
  SessionFacts away = session(Status::away);
  SessionFacts busy = session(Status::busy);
  record_activity(away, t0 + minute);
  record_activity(busy, t0 + minute);
  EXPECT_EQ(status_of(away, policy, t0 + minute), Status::online);
  EXPECT_EQ(status_of(busy, policy, t0 + minute), Status::busy);
}

TEST(Activity, EndsTheGrace) {
  SessionFacts restarted = with_end(session(), t0 + 90 * second);
  record_activity(restarted, t0 + minute);
  EXPECT_EQ(end_of(restarted, policy), t0 + minute + 30 * minute);
}

TEST(Activity, FromThePastChangesNothing) {
  SessionFacts facts = with_end(session(Status::away), t0 + 90 * second);
  record_activity(facts, t0 - 1);
  EXPECT_EQ(facts.active_at, t0);
  EXPECT_EQ(facts.ends_at, t0 + 90 * second);
  EXPECT_EQ(facts.said, Status::away);
}

// ---- heartbeats, goodbyes, and what its client says ------------------------

TEST(Heartbeats, KeepASessionWithoutAnyActivity) {
  SessionFacts facts = session();
  EXPECT_TRUE(record_heartbeat(facts, t0 + minute));
  EXPECT_EQ(facts.active_at, t0);
  EXPECT_EQ(end_of(facts, policy), t0 + minute + 90 * second);
  EXPECT_TRUE(record_heartbeat(facts, t0)) << "from the past";
  EXPECT_EQ(facts.heard_at, t0 + minute);
}

TEST(Heartbeats, EndARestartsGrace) {
  SessionFacts restarted = with_end(session(), t0 + 90 * second);
  EXPECT_TRUE(record_heartbeat(restarted, t0 + minute));
  EXPECT_EQ(end_of(restarted, policy), t0 + 150 * second);
}

TEST(Heartbeats, AfterGoodbyeAreRefused) {
  SessionFacts facts = session();
  disconnect(facts, policy, t0, Reason::disconnect);
  EXPECT_FALSE(record_heartbeat(facts, t0 + second));
  EXPECT_EQ(end_of(facts, policy), t0 + 10 * second);
}

TEST(Goodbyes, EndASessionAfterTheGrace) {
  SessionFacts facts = session(Status::busy);
  disconnect(facts, policy, t0 + minute, Reason::logout);
  EXPECT_TRUE(facts.disconnected);
  EXPECT_EQ(facts.parting, Reason::logout);
  EXPECT_EQ(status_of(facts, policy, t0 + minute + 10 * second - 1), Status::busy);
  EXPECT_EQ(status_of(facts, policy, t0 + minute + 10 * second), Status::offline);
}

TEST(Goodbyes, DoNotProlongAGrace) {
  SessionFacts facts = with_end(session(), t0 + second);
  disconnect(facts, policy, t0, Reason::disconnect);
  EXPECT_EQ(end_of(facts, policy), t0 + second);
}

TEST(Goodbyes, AreTakenBackByActivity) {
  SessionFacts facts = session();
  disconnect(facts, policy, t0, Reason::disconnect);
  record_activity(facts, t0 + second);
  EXPECT_FALSE(facts.disconnected);
  EXPECT_EQ(end_of(facts, policy), t0 + second + 30 * minute);
}

TEST(Saying, AwayIsNoActivity) {
  SessionFacts facts = session();
  say(facts, Status::away, t0 + minute);
  EXPECT_EQ(facts.active_at, t0);
  EXPECT_EQ(status_of(facts, policy, t0 + minute), Status::away);
}

TEST(Saying, OnlineAndBusyAre) {
  for (const Status status : {Status::online, Status::busy}) {
    SessionFacts facts = session(Status::away);
    disconnect(facts, policy, t0, Reason::disconnect);
    say(facts, status, t0 + second);
    EXPECT_EQ(facts.active_at, t0 + second);
    EXPECT_EQ(status_of(facts, policy, t0 + minute), status);
  }
}

// ---- several sessions ------------------------------------------------------

Merged merged(std::initializer_list<SessionFacts> sessions, Time at) {
  Merged all;
  for (const SessionFacts& one : sessions) all.add(one, policy, at);
  return all;
}

SessionFacts active_at(Time at, Status said = Status::online) {
  SessionFacts facts = session(said);
  facts.active_at = at;
  return facts;
}

TEST(Merging, NoSessionIsOffline) {
  const Merged none = merged({}, t0);
  EXPECT_EQ(none.automatic, Status::offline);
  EXPECT_EQ(none.until, never);
}

TEST(Merging, BusyIsStrongerThanOnlineThanAway) {
  const SessionFacts away = session(Status::away), online = session(), busy = session(Status::busy);
  EXPECT_EQ(merged({away, online}, t0).automatic, Status::online);
  EXPECT_EQ(merged({online, away}, t0).automatic, Status::online);
  EXPECT_EQ(merged({online, busy, away}, t0).automatic, Status::busy);
  EXPECT_EQ(merged({busy, away, online}, t0).automatic, Status::busy);
}

TEST(Merging, EndedSessionsDoNotCount) {
  const Merged all = merged({active_at(t0 - 31 * minute, Status::busy), session()}, t0);
  EXPECT_EQ(all.automatic, Status::online);
  EXPECT_EQ(all.ends_at, t0 + 30 * minute);
}

TEST(Merging, TheStrongestLastsAsLongAsTheLastThatSaysIt) {
  const Merged all = merged({active_at(t0 - 2 * minute), active_at(t0 - minute)}, t0);
  EXPECT_EQ(all.automatic, Status::online);
  EXPECT_EQ(all.until, t0 + 4 * minute);
}

TEST(Merging, AWeakerOneDoesNotProlongTheStrongest) {
  const Merged all = merged({active_at(t0 - 20 * minute, Status::busy), session()}, t0);
  EXPECT_EQ(all.automatic, Status::busy);
  EXPECT_EQ(all.until, t0 + 10 * minute);
  EXPECT_EQ(all.ends_at, t0 + 30 * minute);
}

TEST(Merging, DoesNotDependOnTheOrder) {
  std::array<SessionFacts, 4> sessions = {active_at(t0 - 20 * minute, Status::busy),
                                          active_at(t0 - minute), active_at(t0 - 10 * minute),
                                          with_heartbeat(active_at(t0 - 100 * minute), t0)};
  std::array<int, 4> order = {0, 1, 2, 3};
  const Merged wanted = merged({sessions[0], sessions[1], sessions[2], sessions[3]}, t0);
  while (std::next_permutation(order.begin(), order.end())) {
    Merged all;
    for (const int i : order) all.add(sessions[static_cast<std::size_t>(i)], policy, t0);
    EXPECT_EQ(all.automatic, wanted.automatic);
    EXPECT_EQ(all.until, wanted.until);
    EXPECT_EQ(all.ends_at, wanted.ends_at);
  }
}

}  // namespace
}  // namespace presence
