// session_scenarios_test.cpp: what several sessions of one person come to, moment by moment, as
// section 3 of DESIGN.md says it. Silence, goodbyes and gateways in every order that matters.
#include "roster_fixture.h"

#include <algorithm>
#include <set>
#include <utility>

namespace presence::test {
namespace {

// What listeners were told, and how long after the start.
struct Step {
  Duration at;
  Status from, to;
  std::string reason;

  bool operator==(const Step&) const = default;
};

void PrintTo(const Step& step, std::ostream* out) {
  *out << name_of(step.from) << " to " << name_of(step.to) << " (" << step.reason << ") at "
       << step.at / second << "." << step.at % second << "s";
}

constexpr Status offline = Status::offline, away = Status::away, online = Status::online,
                 busy = Status::busy;

// Time passes as it does with a worker that is never late: each change at its own moment.
class SessionScenarios : public RosterTest {
 protected:
  explicit SessionScenarios(RegionSize size = {}) : RosterTest(size) {}

  void pass_until(Duration then) {
    listen();
    for (Time due = next_due(); due <= start + then; due = next_due()) {
      now = due;
      settle();
      listen();
    }
    now = start + then;
  }
  void listen() {
    for (const Told& told : announcements())
      told_.push_back({told.at - start, told.from, told.to, told.reason});
  }
  // The steps since this was asked last.
  std::vector<Step> steps() {
    listen();
    return std::exchange(told_, {});
  }
  std::vector<Step> steps_until(Duration then) {
    pass_until(then);
    return steps();
  }
  std::vector<Step> steps_until_the_end() { return steps_until(100'000 * minute); }
  uint32_t session_count() { return view("ann").session_count; }

 private:
  std::vector<Step> told_;
};

// ---- idle, away, busy ------------------------------------------------------

TEST_F(SessionScenarios, OneGoesIdleAndTimesOut) {
  connect("ann", "desk");
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{0, offline, online, "connect"},
                                                      {5 * minute, online, away, "idle_timeout"},
                                                      {30 * minute, away, offline, "timeout"}}));
}

TEST_F(SessionScenarios, TwoAreOnlineForAsLongAsOneIs) {
  connect("ann", "desk");
  pass_until(2 * minute);
  connect("ann", "phone");
  EXPECT_EQ(session_count(), 2u);
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{0, offline, online, "connect"},
                                                      {7 * minute, online, away, "idle_timeout"},
                                                      {32 * minute, away, offline, "timeout"}}));
}

TEST_F(SessionScenarios, AnIdleOneThatIsTouchedCountsAgain) {
  connect("ann", "desk");
  pass_until(minute);
  connect("ann", "phone", busy);
  pass_until(6 * minute);
  steps();
  disconnect("ann", "phone");
  pass_until(7 * minute);
  touch_in("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{6 * minute + 10 * second, busy, away, "disconnect"},
                                        {7 * minute, away, online, "activity"}}));
}

TEST_F(SessionScenarios, ASaidAwayEndsWithTheNextTouchOfThatSession) {
  connect("ann", "desk");
  pass_until(minute);
  say("ann", "desk", away);
  EXPECT_EQ(view("ann").last_seen, start) << "to say away is no activity";
  pass_until(2 * minute);
  touch_in("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{0, offline, online, "connect"},
                                        {minute, online, away, "manual"},
                                        {2 * minute, away, online, "activity"}}));
}

TEST_F(SessionScenarios, ASaidAwayOfOneIsHiddenByTheOther) {
  connect("ann", "desk");
  connect("ann", "phone");
  steps();
  say("ann", "desk", away);
  EXPECT_TRUE(steps().empty());
  say("ann", "phone", away);
  EXPECT_EQ(steps(), (std::vector<Step>{{0, online, away, "manual"}}));
}

TEST_F(SessionScenarios, ASaidBusyStaysOnTouchesAndNeverIdles) {
  connect("ann", "desk");
  say("ann", "desk", busy);
  pass_until(minute);
  touch_in("ann", "desk");
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{0, offline, busy, "manual"},
                                                      {31 * minute, busy, offline, "timeout"}}))
      << "a crashed busy user times out, too";
}

TEST_F(SessionScenarios, WhatASessionSaysIsActivityUnlessItIsAway) {
  connect("ann", "desk");
  for (const Status status : {online, busy}) {
    pass_until(now - start + minute);
    say("ann", "desk", status);
    EXPECT_EQ(view("ann").last_seen, now);
  }
  steps();
  say("ann", "desk", online);
  EXPECT_EQ(steps(), (std::vector<Step>{{2 * minute, busy, online, "manual"}}));
}

TEST_F(SessionScenarios, ConnectIsActivity) {
  connect("ann", "desk", away);
  EXPECT_EQ(view("ann").last_seen, start);
  EXPECT_EQ(view("ann").status, away);
}

// ---- every pair and every three, in every order ----------------------------

// What others see of two, said or silent: busy over online over away.
Status stronger(Status a, Status b) {
  struct Pair {
    Status a, b, seen;
  };
  static constexpr Pair pairs[] = {{offline, offline, offline}, {offline, away, away},
                                   {offline, online, online},   {offline, busy, busy},
                                   {away, away, away},          {away, online, online},
                                   {away, busy, busy},          {online, online, online},
                                   {online, busy, busy},        {busy, busy, busy}};
  for (const Pair& pair : pairs)
    if ((pair.a == a && pair.b == b) || (pair.a == b && pair.b == a)) return pair.seen;
  return offline;
}

// How sessions end: what keeps one until it stops, when it is over then, and why.
struct Ending {
  const char* name;
  Duration later;
  const char* reason;
};

constexpr Ending endings[] = {{"Goodbye", 10 * second, "disconnect"},
                              {"Words", 10 * second, "closing time"},
                              {"Silence", 60 * second, "timeout"},
                              {"Gateway", 25 * second, "timeout"},
                              {"Unbound", 10 * second, "disconnect"}};

// Silent: nothing was done in it for longer than idle_timeout.
enum class Kind { said_online, said_away, said_busy, silent };

constexpr Status seen_of(Kind kind) {
  return kind == Kind::said_online ? online : kind == Kind::said_busy ? busy : away;
}

class EveryOrder : public SessionScenarios, public testing::WithParamInterface<Ending> {
 protected:
  EveryOrder() : SessionScenarios({4000, 1, 4}) {}

  static constexpr const char* names[] = {"desk", "phone", "watch"};

  bool is(const char* ending) const { return std::string_view(GetParam().name) == ending; }

  void begin(const std::string& who, std::size_t number, Kind kind) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = kind == Kind::said_busy ? busy : kind == Kind::said_away ? away : online;
    ask.reason = Reason::connect;
    ask.session = session_of(who, number);
    ask.lease = 60 * second;
    ask.binder = 7;
    if (is("Gateway")) ask.gateway = session_of(who, number);
    commit(who, ask);
  }
  // Until it stops it is heard of every ten seconds.
  void keep(const std::string& who, std::size_t number) {
    if (is("Silence")) heartbeat(session_of(who, number));
    if (is("Gateway")) hear_gateway(std::string(session_of(who, number)));
  }
  void stop(const std::string& who, std::size_t number) {
    if (is("Goodbye")) disconnect(who, session_of(who, number));
    if (is("Words")) disconnect(who, session_of(who, number), Reason::custom, "closing time");
    if (is("Unbound")) {
      EXPECT_TRUE(roster.unbind(session(session_of(who, number)), 7, policy, now));
    }
    keep(who, number);
  }

  // Sessions of these kinds end one after the other, a minute apart, the first at seven minutes.
  void play(const std::vector<Kind>& kinds, const std::vector<std::size_t>& order) {
    const std::string who = "ann" + std::to_string(played_++);
    std::string what;
    for (const std::size_t number : order)
      what += std::to_string(number) + ":" + std::to_string(static_cast<int>(kinds[number])) + " ";
    SCOPED_TRACE(what);
    now = start;
    std::vector<Step> wanted;
    Status seen = offline;
    const auto expect = [&](Duration at, const std::vector<std::size_t>& alive,
                            const char* reason) {
      Status next = offline;
      for (const std::size_t number : alive) next = stronger(next, seen_of(kinds[number]));
      if (next != seen) wanted.push_back({at, seen, next, reason});
      seen = next;
    };

    std::vector<std::size_t> alive;
    for (std::size_t number = 0; number < kinds.size(); number++)
      if (kinds[number] == Kind::silent) begin(who, number, kinds[number]);
    if (std::count(kinds.begin(), kinds.end(), Kind::silent) > 0) {
      wanted.push_back({0, offline, online, "connect"});
      wanted.push_back({5 * minute, online, away, "idle_timeout"});
      seen = away;
    }
    std::vector<bool> begun(kinds.size());
    std::size_t stopped = 0;
    for (Duration at = 0; at <= 12 * minute; at += 10 * second) {
      pass_until(at);
      for (std::size_t number = 0; number < kinds.size(); number++) {
        if (at == 6 * minute && kinds[number] != Kind::silent) begin(who, number, kinds[number]);
        begun[number] = begun[number] || at >= 6 * minute || kinds[number] == Kind::silent;
        const bool runs = std::find(order.begin(), order.begin() + static_cast<long>(stopped),
                                    number) == order.begin() + static_cast<long>(stopped);
        if (begun[number] && runs) keep(who, number);
      }
      listen();
      if (at == 6 * minute) {
        for (std::size_t number = 0; number < kinds.size(); number++) alive.push_back(number);
        if (std::all_of(kinds.begin(), kinds.end(), [](Kind k) { return k == Kind::silent; }))
          expect(at, alive, "idle_timeout");
        else
          expect_connects(at, kinds, seen, wanted);
        EXPECT_EQ(view(who).session_count, kinds.size());
      }
      if (stopped < order.size() && at == (7 + static_cast<Duration>(stopped)) * minute) {
        stop(who, order[stopped]);
        listen();
        stopped++;
        std::erase(alive, order[stopped - 1]);
        expect(at + GetParam().later, alive, GetParam().reason);
      }
    }
    std::vector<Step> told = steps();
    std::erase_if(told, [](const Step& step) { return step.from == step.to; });
    EXPECT_EQ(told, wanted);
    EXPECT_EQ(stored(who).sessions, no_cell);
    EXPECT_EQ(find_problem(region), "");
  }

 private:
  // Those that connect at six minutes do so before anybody listens.
  static void expect_connects(Duration at, const std::vector<Kind>& kinds, Status& seen,
                              std::vector<Step>& wanted) {
    Status all = offline;
    for (const Kind kind : kinds) all = stronger(all, seen_of(kind));
    if (all != seen) wanted.push_back({at, seen, all, "connect"});
    seen = all;
  }
  // Ids are kept: a wish only points to them.
  std::string_view session_of(const std::string& who, std::size_t number) {
    return *ids_.insert(who + names[number]).first;
  }

  std::set<std::string> ids_;
  int played_ = 0;
};

TEST_P(EveryOrder, OfTwo) {
  for (int kinds = 0; kinds < 16; kinds++) {
    std::vector<std::size_t> order = {0, 1};
    do {
      play({Kind(kinds % 4), Kind(kinds / 4)}, order);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_P(EveryOrder, OfThree) {
  for (int kinds = 0; kinds < 64; kinds++) {
    std::vector<std::size_t> order = {0, 1, 2};
    do {
      play({Kind(kinds % 4), Kind(kinds / 4 % 4), Kind(kinds / 16)}, order);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(Endings, EveryOrder, testing::ValuesIn(endings),
                         [](const auto& info) { return info.param.name; });

// ---- goodbye, and back again -----------------------------------------------

TEST_F(SessionScenarios, AGoodbyeCountsForTheStatusUntilItsGraceEnds) {
  connect("ann", "desk", busy);
  connect("ann", "phone");
  steps();
  disconnect("ann", "desk");
  EXPECT_EQ(session_count(), 1u) << "but no longer as a session";
  EXPECT_EQ(view("ann").status, busy);
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{10 * second, busy, online, "disconnect"}}));
}

TEST_F(SessionScenarios, AReconnectWithinTheGraceIsNoEventAtAll) {
  for (const char* next : {"desk", "another"}) {
    SCOPED_TRACE(next);
    connect("ann", "desk");
    pass_until(now - start + minute);
    steps();
    disconnect("ann", "desk");
    pass_until(now - start + 10 * second - 1);
    connect("ann", next);
    EXPECT_TRUE(steps_until(now - start + 4 * minute).empty());
    EXPECT_EQ(session_count(), 1u);
  }
}

TEST_F(SessionScenarios, AReconnectAtTheEndOfTheGraceIsTooLate) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  steps();
  pass_until(10 * second);
  connect("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{10 * second, online, offline, "disconnect"},
                                        {10 * second, offline, online, "connect"}}));
}

TEST_F(SessionScenarios, ATouchWithinTheGraceRevivesTheSession) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  pass_until(5 * second);
  touch_in("ann", "desk");
  EXPECT_EQ(session_count(), 1u);
  EXPECT_TRUE(heartbeat("desk"));
  steps();
  EXPECT_TRUE(steps_until(minute).empty());
}

TEST_F(SessionScenarios, AHeartbeatAfterGoodbyeIsTooLate) {
  connect("ann", "desk");
  EXPECT_TRUE(heartbeat("desk"));
  disconnect("ann", "desk");
  EXPECT_FALSE(heartbeat("desk"));
  steps();
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{10 * second, online, offline, "disconnect"}}));
  EXPECT_FALSE(heartbeat("desk")) << "unknown by now";
}

TEST_F(SessionScenarios, AGoodbyeEndsNoLaterThanTheSessionWould) {
  connect("ann", "desk", online, 10 * second);
  heartbeat("desk");
  pass_until(5 * second);
  disconnect("ann", "desk");
  steps();
  // The goodbye decides alone: the lease was over earlier, but the client has been heard of.
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{15 * second, online, offline, "disconnect"}}));
}

TEST_F(SessionScenarios, ASecondGoodbyeDoesNotProlongTheGrace) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  pass_until(5 * second);
  disconnect("ann", "desk", Reason::logout);
  steps();
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{10 * second, online, offline, "disconnect"}}));
}

TEST_F(SessionScenarios, AGoodbyeGivesItsOwnReason) {
  for (const auto& [reason, words] : {std::pair<Reason, std::string>{Reason::logout, ""},
                                      {Reason::timeout, ""},
                                      {Reason::custom, "closing time"}}) {
    connect("ann", "desk");
    pass_until(now - start + minute);
    steps();
    disconnect("ann", "desk", reason, words);
    const Duration at = now - start + 10 * second;
    const std::string told = words.empty() ? std::string(name_of(reason)) : words;
    EXPECT_EQ(steps_until(at), (std::vector<Step>{{at, online, offline, told}}));
  }
}

TEST_F(SessionScenarios, WithoutAGraceAGoodbyeIsTheEnd) {
  policy.disconnect_grace = 0;
  connect("ann", "desk");
  connect("ann", "phone");
  steps();
  disconnect("ann", "desk");
  EXPECT_TRUE(steps().empty());
  disconnect("ann", "phone", Reason::custom, "closing time");
  EXPECT_EQ(steps(), (std::vector<Step>{{0, online, offline, "closing time"}}));
}

TEST_F(SessionScenarios, WordsOfTwoGoodbyesAreNotLostWithTheFirst) {
  // Given somebody who closes two tabs, a second apart.
  connect("ann", "desk");
  connect("ann", "phone");
  steps();
  disconnect("ann", "desk", Reason::custom, "closing time");
  pass_until(second);
  disconnect("ann", "phone", Reason::custom, "closing time");
  EXPECT_EQ(steps_until(minute),
            (std::vector<Step>{{11 * second, online, offline, "closing time"}}));
}

TEST_F(SessionScenarios, WordsThatWereToldAreNotToldAgain) {
  connect("ann", "desk", busy);
  connect("ann", "phone");
  steps();
  disconnect("ann", "desk", Reason::custom, "lunch");
  pass_until(second);
  disconnect("ann", "phone", Reason::custom, "home");
  // Only the last words are kept.
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{10 * second, busy, online, "home"},
                                                    {11 * second, online, offline, "disconnect"}}));
}

TEST_F(SessionScenarios, WordsAreForgottenWhenTheSessionComesBack) {
  connect("ann", "desk");
  disconnect("ann", "desk", Reason::custom, "closing time");
  touch_in("ann", "desk");
  write_all();
  EXPECT_EQ(stored("ann").extras, no_cell);
  steps();
  EXPECT_EQ(steps_until_the_end().back().reason, "timeout");
}

TEST_F(SessionScenarios, AConnectionThatBreaksIsAGoodbyeOfItsSessions) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = online;
  ask.reason = Reason::connect;
  ask.session = "desk";
  ask.binder = 7;
  commit("ann", ask);
  steps();
  EXPECT_FALSE(roster.unbind(session("desk"), 8, policy, now)) << "another connection's";
  EXPECT_TRUE(roster.unbind(session("desk"), 7, policy, now));
  EXPECT_FALSE(roster.unbind(session("desk"), 7, policy, now)) << "once is enough";
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{10 * second, online, offline, "disconnect"}}));
}

TEST_F(SessionScenarios, AConnectElsewhereUnbindsTheSession) {
  for (const uint32_t binder : {7, 8}) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = online;
    ask.reason = Reason::connect;
    ask.session = "desk";
    ask.binder = binder;
    commit("ann", ask);
  }
  EXPECT_FALSE(roster.unbind(session("desk"), 7, policy, now));
  EXPECT_EQ(session_count(), 1u);
}

// ---- the implicit session --------------------------------------------------

TEST_F(SessionScenarios, TheFirstConnectTakesTheImplicitSessionOver) {
  touch("ann");
  pass_until(minute);
  connect("ann", "desk");
  EXPECT_EQ(session_count(), 1u);
  disconnect("ann", "desk");
  EXPECT_EQ(steps_until(2 * minute),
            (std::vector<Step>{{0, offline, online, "activity"},
                               {minute + 10 * second, online, offline, "disconnect"}}))
      << "no ghost outlives a closed tab";
}

TEST_F(SessionScenarios, ATouchThatNamesASessionTakesItOverToo) {
  touch("ann");
  pass_until(minute);
  touch_in("ann", "desk");
  EXPECT_EQ(session_count(), 1u);
  disconnect("ann", "desk");
  EXPECT_EQ(steps_until(2 * minute).back(),
            (Step{minute + 10 * second, online, offline, "disconnect"}));
}

TEST_F(SessionScenarios, ATouchWithoutASessionCountsForTheNewestOne) {
  connect("ann", "desk");
  pass_until(minute);
  connect("ann", "phone");
  pass_until(2 * minute);
  touch("ann");
  EXPECT_EQ(session_count(), 2u) << "and makes none";
  steps();
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{7 * minute, online, away, "idle_timeout"},
                                                      {32 * minute, away, offline, "timeout"}}));
}

TEST_F(SessionScenarios, TheNextTouchAfterTheEndMakesAnImplicitOneAgain) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  pass_until(minute);
  touch("ann");
  EXPECT_EQ(session("desk"), no_cell);
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{0, offline, online, "connect"},
                                                      {10 * second, online, offline, "disconnect"},
                                                      {minute, offline, online, "activity"},
                                                      {6 * minute, online, away, "idle_timeout"},
                                                      {31 * minute, away, offline, "timeout"}}));
}

TEST_F(SessionScenarios, ATouchOfThePastInASessionEndsItInTime) {
  connect("ann", "desk");
  pass_until(minute);
  Touch past;
  past.seen_at = start - 10 * minute;
  past.session = session_key("phone");
  EXPECT_FALSE(roster.touch(find("ann"), past, policy, now).full);
  EXPECT_EQ(view("ann").last_seen, start);
  EXPECT_EQ(session_count(), 2u);
  pass_until(20 * minute);
  EXPECT_EQ(session("phone"), no_cell);
  EXPECT_EQ(session_count(), 1u);
}

// ---- heartbeats ------------------------------------------------------------

TEST_F(SessionScenarios, TheFirstHeartbeatShortensTheLife) {
  connect("ann", "desk");
  steps();
  EXPECT_EQ(next_due(), start + 5 * minute);
  pass_until(minute);
  bool changed;
  EXPECT_TRUE(heartbeat("desk", changed));
  EXPECT_TRUE(changed) << "the worker has slept for too long otherwise";
  EXPECT_EQ(next_due(), start + minute + 90 * second);
  EXPECT_EQ(view("ann").last_seen, start) << "a heartbeat is no activity";
  EXPECT_EQ(steps_until_the_end(),
            (std::vector<Step>{{minute + 90 * second, online, offline, "timeout"}}));
}

TEST_F(SessionScenarios, ItsLeaseIsTheOneItAskedFor) {
  for (const Duration lease : {10 * second, 7 * minute, 240 * minute}) {
    connect("ann", "desk", busy, lease);
    steps();
    heartbeat("desk");
    const Duration at = now - start + lease;
    EXPECT_EQ(steps_until(at - 1), (std::vector<Step>{}));
    EXPECT_EQ(steps_until(at), (std::vector<Step>{{at, busy, offline, "timeout"}}));
    EXPECT_FALSE(heartbeat("desk"));
  }
}

TEST_F(SessionScenarios, WithoutHeartbeatsALeaseIsNone) {
  connect("ann", "desk", busy, 10 * second);
  steps();
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{30 * minute, busy, offline, "timeout"}}));
}

TEST_F(SessionScenarios, HeartbeatsAloneKeepItAwayForEver) {
  connect("ann", "desk");
  for (Duration at = 0; at < 3000 * minute; at += 85 * second) {
    pass_until(at);
    ASSERT_TRUE(heartbeat("desk"));
  }
  EXPECT_EQ(steps(), (std::vector<Step>{{0, offline, online, "connect"},
                                        {5 * minute, online, away, "idle_timeout"}}));
  touch("ann");
  EXPECT_EQ(view("ann").status, online);
}

TEST_F(SessionScenarios, ATouchKeepsASessionOfHeartbeatsAsWell) {
  connect("ann", "desk");
  heartbeat("desk");
  pass_until(80 * second);
  touch_in("ann", "desk");
  steps();
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{170 * second, online, offline, "timeout"}}));
}

TEST_F(SessionScenarios, SilenceOfOneLeavesTheOther) {
  connect("ann", "desk", busy);
  connect("ann", "phone");
  steps();
  heartbeat("desk");
  EXPECT_EQ(steps_until(2 * minute), (std::vector<Step>{{90 * second, busy, online, "timeout"}}));
}

TEST_F(SessionScenarios, AnUnknownSessionIsNotHeardOf) { EXPECT_FALSE(heartbeat("nobody's")); }

// ---- manual over automatic -------------------------------------------------

TEST_F(SessionScenarios, AManualBusySurvivesAllButTheLastAndReturnsWithTheNextUntilCleared) {
  connect("ann", "desk");
  connect("ann", "phone");
  choose("ann", busy);
  EXPECT_EQ(steps(), (std::vector<Step>{{0, offline, busy, "manual"}}));
  disconnect("ann", "desk");
  EXPECT_TRUE(steps_until(minute).empty());
  disconnect("ann", "phone");
  EXPECT_EQ(steps_until(2 * minute),
            (std::vector<Step>{{minute + 10 * second, busy, offline, "disconnect"}}));
  connect("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{2 * minute, offline, busy, "connect"}}));
  commit("ann", ChangeKind::clear);
  EXPECT_EQ(steps(), (std::vector<Step>{{2 * minute, busy, online, "manual"}}));
}

TEST_F(SessionScenarios, AManualStatusThatExpiredMeanwhileDoesNotReturn) {
  connect("ann", "desk");
  choose("ann", busy, start + 5 * minute);
  disconnect("ann", "desk");
  pass_until(5 * minute);
  steps();
  connect("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{5 * minute, offline, online, "connect"}}));
}

TEST_F(SessionScenarios, AManualAwayLiesOverABusySession) {
  connect("ann", "desk", busy);
  choose("ann", away, start + minute);
  steps();
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{minute, away, busy, "expired"}}));
}

TEST_F(SessionScenarios, WhatEndsBelowAManualStatusIsSilent) {
  connect("ann", "desk", busy);
  connect("ann", "phone");
  choose("ann", away);
  steps();
  disconnect("ann", "desk");
  EXPECT_TRUE(steps_until(minute).empty());
  EXPECT_EQ(session("desk"), no_cell) << "but it is let go of in time";
  commit("ann", ChangeKind::clear);
  EXPECT_EQ(steps(), (std::vector<Step>{{minute, away, online, "manual"}}));
}

// ---- logging out -----------------------------------------------------------

TEST_F(SessionScenarios, LogoutEndsAllSessionsNowAndKeepsWhatWasChosen) {
  connect("ann", "desk");
  connect("ann", "phone");
  choose("ann", busy);
  disconnect("ann", "phone");
  steps();
  pass_until(second);
  log_out("ann");
  EXPECT_EQ(steps(), (std::vector<Step>{{second, busy, offline, "logout"}}));
  EXPECT_EQ(session("desk"), no_cell);
  EXPECT_EQ(session("phone"), no_cell);
  EXPECT_TRUE(steps_until(minute).empty());
  connect("ann", "desk");
  EXPECT_EQ(steps(), (std::vector<Step>{{minute, offline, busy, "connect"}}));
}

TEST_F(SessionScenarios, OfflineEndsAllSessionsAndWhatWasChosen) {
  connect("ann", "desk");
  connect("ann", "phone");
  choose("ann", busy);
  commit("ann", {ChangeKind::leave, Status::offline, now, never, std::nullopt, Reason::logout, {}});
  connect("ann", "desk");
  EXPECT_EQ(view("ann").status, online);
  EXPECT_EQ(session_count(), 1u);
}

// ---- gateways --------------------------------------------------------------

TEST_F(SessionScenarios, AGatewaysSilenceEndsExactlyItsSessions) {
  hear_gateway("g1");
  hear_gateway("g2");
  connect_by("ann", "desk", "g1", busy);
  connect_by("ann", "phone", "g2");
  connect_by("bob", "tablet", "g1");
  connect("bob", "watch", away);
  steps();
  pass_until(10 * second);
  hear_gateway("g2");
  pass_until(25 * second - 1);
  EXPECT_TRUE(steps().empty());
  pass_until(25 * second);
  hear_gateway("g2");
  std::vector<Step> told = steps();
  std::sort(told.begin(), told.end(), [](const Step& a, const Step& b) { return a.from > b.from; });
  EXPECT_EQ(told, (std::vector<Step>{{25 * second, busy, online, "timeout"},
                                     {25 * second, online, away, "timeout"}}));
  EXPECT_EQ(session("desk"), no_cell);
  EXPECT_EQ(session("tablet"), no_cell);
  EXPECT_NE(session("phone"), no_cell);
  EXPECT_NE(session("watch"), no_cell);
}

TEST_F(SessionScenarios, AGatewayThatIsHeardOfWithinTheGraceLosesNobody) {
  connect_by("ann", "desk", "g1", busy);
  steps();
  for (Duration at = 0; at < 60 * minute; at += 24 * second) {
    pass_until(at);
    hear_gateway("g1");
  }
  EXPECT_TRUE(steps().empty()) << "one call keeps all its sessions, without any activity";
}

TEST_F(SessionScenarios, NoSessionOutlivesItsGateway) {
  connect_by("ann", "desk", "g1");
  steps();
  pass_until(20 * second);
  touch_in("ann", "desk");
  EXPECT_TRUE(heartbeat("desk"));
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{25 * second, online, offline, "timeout"}}));
  connect_by("ann", "desk", "g1");
  EXPECT_EQ(session("desk"), no_cell) << "nor does one that comes through a silent one";
}

TEST_F(SessionScenarios, AGoodbyeThroughAGatewayEndsWithWhateverIsFirst) {
  connect_by("ann", "desk", "g1");
  connect_by("bob", "phone", "g1");
  pass_until(10 * second);
  disconnect("ann", "desk");
  pass_until(20 * second - 1);
  disconnect("bob", "phone");
  steps();
  EXPECT_EQ(steps_until(minute), (std::vector<Step>{{20 * second, online, offline, "disconnect"},
                                                    {25 * second, online, offline, "timeout"}}));
}

TEST_F(SessionScenarios, AConnectWithoutAGatewayLeavesIt) {
  connect_by("ann", "desk", "g1");
  connect("ann", "desk");
  steps();
  EXPECT_TRUE(steps_until(2 * minute).empty());
  EXPECT_EQ(region.pool.at<Gateway>(region.realm(0).gateways).sessions.load(), 0u);
}

TEST_F(SessionScenarios, AGatewayWithoutSessionsIsForgottenInTheEnd) {
  connect_by("ann", "desk", "g1");
  pass_until(minute);
  hear_gateway("g2");
  EXPECT_NE(region.pool.at<Gateway>(region.realm(0).gateways).chain, no_cell);
  pass_until(longest_lease + 2 * minute);
  hear_gateway("g3");
  EXPECT_EQ(region.pool.at<Gateway>(region.realm(0).gateways).chain, no_cell);
}

// ---- after a restart -------------------------------------------------------

class SessionsAfterARestart : public SessionScenarios {
 protected:
  // As recovery does: the user's row, and then those of its sessions.
  void restart(Status status, std::initializer_list<std::pair<std::string_view, Status>> sessions) {
    Row row;
    row.status = status;
    row.last_seen = start - minute;
    row.session_ends_at = start + policy.session_timeout;
    ASSERT_NE(roster.load(key("ann"), row, policy, now), no_cell);
    for (const auto& [id, said] : sessions) {
      SessionRowFacts facts;
      facts.key = session_key(id);
      facts.status = said;
      facts.active_at = start - 2 * minute;
      facts.heard_at = start - 100 * minute;
      facts.connected_at = start - 200 * minute;
      facts.ends_at = start + policy.session_timeout;
      for (const auto& [other, says] : sessions) facts.strongest = std::max(facts.strongest, says);
      EXPECT_TRUE(roster.load_session(find("ann"), facts, policy, now)) << id;
    }
  }
};

TEST_F(SessionsAfterARestart, WhatAnotherSessionSaysIsNotWhatTheNewestSays) {
  restart(busy, {{"desk", online}, {"phone", busy}});
  pass_until(minute);
  EXPECT_TRUE(heartbeat("desk"));
  EXPECT_EQ(view("ann").status, busy);
  pass_until(95 * second);
  EXPECT_EQ(session("phone"), no_cell);
  EXPECT_EQ(view("ann").status, online);
}

TEST_F(SessionsAfterARestart, WhatNoRowSaysYetIsWhatTheNewestSays) {
  restart(busy, {{"desk", online}, {"phone", online}});
  pass_until(minute);
  EXPECT_TRUE(heartbeat("desk"));
  pass_until(95 * second);
  EXPECT_EQ(view("ann").status, busy) << "its status was acknowledged, its row not written yet";
}

TEST_F(SessionsAfterARestart, WhoeverDoesNotComeBackIsGoneAfterASessionTimeout) {
  restart(online, {{"desk", online}, {"phone", online}});
  EXPECT_EQ(session_count(), 2u);
  EXPECT_EQ(steps_until_the_end(), (std::vector<Step>{{90 * second, online, offline, "timeout"}}));
}

TEST_F(SessionsAfterARestart, AHeartbeatATouchOrAConnectBringsBackExactlyItsSession) {
  restart(online, {{"desk", online}, {"phone", online}, {"tablet", online}, {"watch", online}});
  pass_until(minute);
  EXPECT_TRUE(heartbeat("desk"));
  touch_in("ann", "phone");
  connect("ann", "tablet");
  EXPECT_TRUE(steps_until(95 * second).empty()) << "no event at all";
  EXPECT_NE(session("desk"), no_cell);
  EXPECT_NE(session("phone"), no_cell);
  EXPECT_NE(session("tablet"), no_cell);
  EXPECT_EQ(session("watch"), no_cell);
  EXPECT_EQ(session_count(), 3u);
}

TEST_F(SessionsAfterARestart, WhatASessionSaidIsSaidStill) {
  restart(busy, {{"desk", busy}, {"phone", away}});
  pass_until(minute);
  EXPECT_TRUE(heartbeat("desk"));
  EXPECT_TRUE(heartbeat("phone"));
  EXPECT_TRUE(steps_until(2 * minute).empty());
  disconnect("ann", "desk");
  EXPECT_EQ(steps_until(2 * minute + 10 * second),
            (std::vector<Step>{{2 * minute + 10 * second, busy, away, "disconnect"}}));
}

TEST_F(SessionsAfterARestart, AGoodbyeWithinTheGraceEndsNoLater) {
  restart(online, {{"desk", online}});
  pass_until(85 * second);
  disconnect("ann", "desk");
  EXPECT_EQ(steps_until_the_end(),
            (std::vector<Step>{{90 * second, online, offline, "disconnect"}}));
}

TEST_F(SessionsAfterARestart, WhoeverHasConnectedMeanwhileNeedsNoOldSession) {
  restart(online, {});
  connect("ann", "desk");
  SessionRowFacts facts;
  facts.key = session_key("phone");
  facts.ends_at = start + policy.session_timeout;
  EXPECT_FALSE(roster.load_session(find("ann"), facts, policy, now));
  EXPECT_EQ(session("phone"), no_cell);
}

// ---- whose a session is ----------------------------------------------------

TEST_F(SessionScenarios, ATouchOfSomebodyElsesSessionIsRefusedAndChangesNothing) {
  connect("ann", "desk");
  pass_until(minute);
  const Touched touched = touch_in("bob", "desk");
  EXPECT_TRUE(touched.foreign);
  EXPECT_FALSE(touched.full);
  EXPECT_FALSE(view("bob").has_last_seen);
  EXPECT_EQ(view("bob").activity_count, 0u);
  EXPECT_EQ(view("ann").last_seen, start);
}

TEST_F(SessionScenarios, OfTwoThatConnectWithOneIdTheFirstToCommitHasIt) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = online;
  ask.reason = Reason::connect;
  ask.session = "desk";
  ask.at = now;
  roster.claim(user("ann"));
  roster.claim(user("bob"));
  auto of_ann = reserve_wish(region, ask), of_bob = reserve_wish(region, ask);
  roster.grant(find("bob"), *of_bob, policy, now);
  roster.grant(find("ann"), *of_ann, policy, now);
  roster.drop_claim(find("ann"));
  roster.drop_claim(find("bob"));
  EXPECT_EQ(status("bob"), online);
  EXPECT_EQ(status("ann"), offline);
  EXPECT_EQ(persist("ann"), Persist::waiting) << "whatever its transaction wrote is mended";
}

TEST_F(SessionScenarios, AnIdIsFreeAgainWhenItsSessionIsOver) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  pass_until(10 * second);
  touch_in("bob", "desk");
  EXPECT_EQ(status("bob"), online);
  EXPECT_EQ(status("ann"), offline);
}

TEST_F(SessionScenarios, WhatIsSaidInASessionThatIsOverByTheCommitIsVoid) {
  connect("ann", "desk");
  steps();
  Ask ask;
  ask.kind = ChangeKind::say;
  ask.status = busy;
  ask.session = "desk";
  ask.at = now + 29 * minute;
  roster.claim(find("ann"));
  auto wish = reserve_wish(region, ask);
  pass_until(31 * minute);
  EXPECT_EQ(view("ann", {&*wish, 1}).status, offline) << "as its transaction sees it, too";
  roster.grant(find("ann"), *wish, policy, now);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(status("ann"), offline);
  listen();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(SessionScenarios, AConnectThatCommitsLateDoesNotTakeALaterTouchBack) {
  connect("ann", "desk");
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = online;
  ask.reason = Reason::connect;
  ask.session = "desk";
  ask.at = now;
  roster.claim(find("ann"));
  auto wish = reserve_wish(region, ask);
  pass_until(4 * minute);
  touch_in("ann", "desk");
  pass_until(6 * minute);
  steps();
  EXPECT_EQ(view("ann", {&*wish, 1}).status, online);
  roster.grant(find("ann"), *wish, policy, now);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(steps_until(9 * minute),
            (std::vector<Step>{{9 * minute, online, away, "idle_timeout"}}));
}

// ---- what a transaction sees of its own ------------------------------------

class OwnSessions : public SessionScenarios {
 protected:
  ~OwnSessions() override {
    for (Wish& wish : wishes) roster.free_wish(wish);
  }
  void open(ChangeKind kind, std::string_view session = {}, Status status = Status::offline) {
    Ask ask;
    ask.kind = kind;
    ask.status = status;
    ask.session = session;
    ask.at = now;
    ask.reason = kind == ChangeKind::disconnect ? Reason::disconnect : Reason::manual;
    wishes.push_back(*reserve_wish(region, ask));
  }
  const UserView& own() { return view("ann", wishes); }

  std::vector<Wish> wishes;
};

TEST_F(OwnSessions, AConnectIsSeen) {
  touch("ann");
  pass_until(minute);
  open(ChangeKind::connect, "desk", busy);
  EXPECT_EQ(own().status, busy);
  EXPECT_EQ(own().session_count, 1u) << "in the place of the implicit one";
  EXPECT_EQ(own().last_seen, now);
  open(ChangeKind::connect, "phone", online);
  EXPECT_EQ(own().session_count, 2u);
  EXPECT_EQ(view("ann").status, online) << "others do not";
}

TEST_F(OwnSessions, AGoodbyeIsSeen) {
  connect("ann", "desk");
  connect("ann", "phone", busy);
  open(ChangeKind::disconnect, "phone");
  EXPECT_EQ(own().session_count, 1u);
  EXPECT_EQ(own().status, busy) << "in its grace";
  now += 10 * second;
  EXPECT_EQ(own().status, online);
  now -= 10 * second;
  open(ChangeKind::connect, "phone", away);
  EXPECT_EQ(own().session_count, 2u);
  EXPECT_EQ(own().status, online);
}

TEST_F(OwnSessions, WhatASessionSaysIsSeen) {
  connect("ann", "desk");
  open(ChangeKind::say, "desk", away);
  EXPECT_EQ(own().status, away);
  open(ChangeKind::say, "desk", busy);
  EXPECT_EQ(own().status, busy);
  open(ChangeKind::log_out);
  EXPECT_EQ(own().status, offline);
  EXPECT_EQ(own().session_count, 0u);
  open(ChangeKind::connect, "desk", online);
  EXPECT_EQ(own().status, online);
  EXPECT_EQ(own().session_count, 1u);
}

TEST_F(OwnSessions, AnActivityRevivesWhoeverSaidGoodbye) {
  connect("ann", "desk");
  disconnect("ann", "desk");
  EXPECT_EQ(own().session_count, 0u);
  open(ChangeKind::be_automatic);
  EXPECT_EQ(own().session_count, 1u);
}

// ---- what the application keeps with a person ------------------------------

TEST_F(SessionScenarios, DataThatChangesIsToldWhileTheStatusStays) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = online;
  ask.reason = Reason::connect;
  ask.session = "desk";
  ask.data = R"({"name": "Ann"})";
  commit("ann", ask);
  ASSERT_TRUE(take_announcement(key("ann").partition()));
  EXPECT_TRUE(view_.data_changed);
  EXPECT_EQ(view_.data(), *ask.data);
  commit("ann", ask);
  EXPECT_FALSE(take_announcement(key("ann").partition())) << "the same again";
  ask.data = "";
  commit("ann", ask);
  ASSERT_TRUE(take_announcement(key("ann").partition()));
  EXPECT_TRUE(view_.data_changed);
  EXPECT_EQ(view_.data(), "");
  ask.data.reset();
  commit("ann", ask);
  EXPECT_FALSE(take_announcement(key("ann").partition())) << "none was given";
}

}  // namespace
}  // namespace presence::test
