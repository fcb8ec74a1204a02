// roster_activity_test.cpp: touches, and what time makes of them.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterActivity : public RosterTest {};

// ---- the state machine, at exact moments -----------------------------------

TEST_F(RosterActivity, ATouchMakesSomebodyOnline) {
  const Touched touched = touch("ann");
  EXPECT_EQ(touched.status, Status::online);
  EXPECT_TRUE(touched.changed);
  EXPECT_FALSE(touched.full);
  EXPECT_EQ(view("ann").session_count, 1u);
  EXPECT_EQ(view("ann").last_seen, now);
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::offline, Status::online, "", "activity", start}}));
}

TEST_F(RosterActivity, GoesAwayAndOfflineAtTheExactMoments) {
  touch("ann");
  announcements();

  now = start + 5 * minute - 1;
  settle();
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(next_due(), start + 5 * minute);

  now = start + 5 * minute;
  settle();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::online, Status::away, "", "idle_timeout", now}}));
  EXPECT_EQ(next_due(), start + 30 * minute);

  now = start + 30 * minute;
  settle();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::away, Status::offline, "", "timeout", now}}));
  EXPECT_EQ(next_due(), never);
  EXPECT_EQ(view("ann").session_count, 0u);
}

TEST_F(RosterActivity, ALateSettleStampsTheMomentAtWhichItFellDue) {
  touch("ann");
  announcements();
  now = start + 300 * minute;
  settle();
  EXPECT_EQ(announcements(), (std::vector<Told>{{"ann", Status::online, Status::offline, "",
                                                 "timeout", start + 30 * minute}}));
}

TEST_F(RosterActivity, ReadersAreRightWhenNobodySettles) {
  touch("ann");
  now = start + 10 * minute;
  EXPECT_EQ(status("ann"), Status::away);
  EXPECT_EQ(view("ann").status, Status::away);
  EXPECT_EQ(stored_status("ann"), Status::online);
  now = start + 30 * minute;
  EXPECT_EQ(status("ann"), Status::offline);
  EXPECT_EQ(view("ann").session_count, 0u);
}

TEST_F(RosterActivity, ATouchInTimeIsNoChange) {
  touch("ann");
  announcements();
  now += 4 * minute;
  EXPECT_FALSE(touch("ann").changed);
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(next_due(), now + 5 * minute);
}

TEST_F(RosterActivity, IdleAndBackWithinATickIsNoEvent) {
  touch("ann");
  announcements();
  now += 5 * minute;
  settle();
  touch("ann");
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterActivity, ATouchSaysWhatTimeHasDoneBeforeIt) {
  // Given somebody busy until a moment that has passed, and nobody noticed. Her row is to be
  // written anyway.
  choose("ann", Status::busy, start + minute);
  announcements();
  touch("ann");
  now = start + 2 * minute;
  // Then the touch that applies it says that there is something to tell.
  EXPECT_TRUE(touch("ann").changed);
  EXPECT_EQ(
      announcements(),
      (std::vector<Told>{{"ann", Status::busy, Status::online, "", "expired", start + minute}}));
}

TEST_F(RosterActivity, ComesBackAfterItsTimeout) {
  touch("ann");
  now += 60 * minute;
  EXPECT_EQ(touch("ann").status, Status::online);
  EXPECT_EQ(view("ann").session_count, 1u);
}

TEST_F(RosterActivity, BackFromIdleIsAChangeAlsoWhenNobodySettled) {
  touch("ann");
  now += 6 * minute;
  touch("ann");
  EXPECT_EQ(view("ann").changed_at, now);
  now += 31 * minute;
  touch("ann");
  EXPECT_EQ(view("ann").changed_at, now);
  EXPECT_EQ(view("ann").session_count, 1u);
}

// ---- several sessions: see session_scenarios_test.cpp for all of them -----

TEST_F(RosterActivity, ATouchCountsForTheNewest) {
  now -= minute;
  connect("ann", "desk");
  now += minute;
  connect("ann", "phone");
  now += minute;
  touch("ann");
  EXPECT_EQ(view("ann").session_count, 2u);
  now = start + 29 * minute;  // the one that was not touched is over
  EXPECT_EQ(view("ann").session_count, 1u);
  now = start + 31 * minute;
  EXPECT_EQ(status("ann"), Status::offline);
  settle();
}

TEST_F(RosterActivity, ABusyOneGoesOnWhenTheTouchedOneIsIdle) {
  connect("ann", "desk", Status::busy);
  now += minute;
  connect("ann", "phone");
  EXPECT_EQ(touch("ann").status, Status::busy);
  now += 10 * minute;
  EXPECT_EQ(status("ann"), Status::busy) << "and busy never idles";
}

TEST_F(RosterActivity, AHeartbeatAfterTheLastTouchShortensTheLife) {
  // Given a session that is heard of four minutes after it began, with a lease of two.
  connect("ann", "desk", Status::online, 2 * minute);
  now = start + 4 * minute;
  EXPECT_TRUE(heartbeat("desk"));
  EXPECT_EQ(next_due(), start + 5 * minute);
  // When it is touched again, then the lease is what ends first.
  now = start + 4 * minute + 30 * second;
  touch("ann");
  const Time end = now + 2 * minute;
  EXPECT_LE(next_due(), end);
  // The moment that was planned before is looked at, and found to be too early.
  now = next_due();
  settle();
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(next_due(), end);
}

// ---- seen_at ---------------------------------------------------------------

TEST_F(RosterActivity, ATouchOfThePastCountsFromThen) {
  touch_seen_at("ann", start - 2 * minute);
  EXPECT_EQ(view("ann").last_seen, start - 2 * minute);
  EXPECT_EQ(next_due(), start + 3 * minute);
}

TEST_F(RosterActivity, ATouchOfThePastMayAlreadyBeIdle) {
  EXPECT_EQ(touch_seen_at("ann", start - 6 * minute).status, Status::away);
}

TEST_F(RosterActivity, ATouchOfTooLongAgoMakesNobodyOnline) {
  const uint32_t used = region.pool.used();
  EXPECT_EQ(touch_seen_at("ann", start - 31 * minute).status, Status::offline);
  EXPECT_EQ(region.pool.used(), used + 1) << "the session is not kept";
  EXPECT_EQ(view("ann").last_seen, start - 31 * minute);
}

TEST_F(RosterActivity, ATouchNeverMovesLastSeenBack) {
  touch("ann");
  touch_seen_at("ann", start - minute);
  EXPECT_EQ(view("ann").last_seen, start);
  EXPECT_EQ(view("ann").activity_count, 2u) << "but it counts";
}

TEST_F(RosterActivity, NobodyIsSeenInTheFuture) {
  touch_seen_at("ann", start + minute);
  EXPECT_EQ(view("ann").last_seen, start);
}

TEST_F(RosterActivity, AnOldTouchDoesNotBringSomebodyBack) {
  touch("ann");
  now += 60 * minute;
  settle();
  EXPECT_EQ(touch_seen_at("ann", start - minute).status, Status::offline);
}

// ---- what else a touch brings ----------------------------------------------

TEST_F(RosterActivity, KeepsThePage) {
  touch("ann", {std::nullopt, "/a", 1});
  EXPECT_EQ(view("ann").page(), "/a");
  touch("ann");
  EXPECT_EQ(view("ann").page(), "/a") << "not given: kept";
  touch("ann", {std::nullopt, "/b/longer", 1});
  EXPECT_EQ(view("ann").page(), "/b/longer");
  touch("ann", {std::nullopt, "", 1});
  EXPECT_EQ(view("ann").page(), "");
}

TEST_F(RosterActivity, TheSamePageAgainTakesNoCell) {
  const std::string page = text_of(max_page_bytes);
  touch("ann", {std::nullopt, page, 1});
  const uint32_t used = region.pool.used();
  touch("ann", {std::nullopt, page, 1});
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_EQ(view("ann").page(), page);
}

TEST_F(RosterActivity, CountsInteractionsOfASlidingMinute) {
  now = start - start % minute;
  touch("ann", {std::nullopt, std::nullopt, 30});
  touch("ann", {std::nullopt, std::nullopt, 30});
  EXPECT_EQ(view("ann").interactions_per_minute, 60u);
  EXPECT_EQ(view("ann").activity_count, 2u);
  now += minute;
  EXPECT_EQ(view("ann").interactions_per_minute, 60u) << "none of the minute before is over";
  now += 15 * second;
  EXPECT_EQ(view("ann").interactions_per_minute, 45u) << "three quarters of it are left";
  touch("ann", {std::nullopt, std::nullopt, 2});
  EXPECT_EQ(view("ann").interactions_per_minute, 47u);
  now += minute;
  EXPECT_EQ(view("ann").interactions_per_minute, 1u);
  now += minute;
  EXPECT_EQ(view("ann").interactions_per_minute, 0u);
}

TEST_F(RosterActivity, CountersDoNotWrap) {
  touch("ann", {std::nullopt, std::nullopt, ~0u});
  touch("ann", {std::nullopt, std::nullopt, ~0u});
  EXPECT_EQ(view("ann").interactions_per_minute, 0xffffu);
}

// The minute that they were counted in comes again, as far as its number goes.
TEST_F(RosterActivity, InteractionsOfLongAgoAreNotThoseOfThisMinute) {
  const std::string_view id = "ann";
  for (const Duration pause : {31, 32, 33, 64, 96}) {
    touch(id, {std::nullopt, std::nullopt, 50});
    now += pause * minute;
    touch(id);
    EXPECT_EQ(view(id).interactions_per_minute, 1u) << pause;
    now += 2 * minute;
  }
}

TEST_F(RosterActivity, InteractionsThatAreKnownLaterCountNow) {
  now += 100 * minute;
  roster.touch(user("ann"), {now - 60 * minute, std::nullopt, 3}, policy, now);
  EXPECT_EQ(view("ann").interactions_per_minute, 3u);
}

// ---- many ------------------------------------------------------------------

TEST_F(RosterActivity, SettlesInPortions) {
  const std::vector<std::string> ids = ids_in(3, 10);
  for (const std::string& id : ids) touch(id);
  now += 5 * minute;
  int calls = 1;
  while (!roster.settle(0, 3, policy, now, 3)) calls++;
  EXPECT_EQ(calls, 4);
  for (const std::string& id : ids) EXPECT_EQ(stored_status(id), Status::away);
}

TEST_F(RosterActivity, RealmsDoNotSeeEachOther) {
  touch("ann");
  EXPECT_EQ(find("ann", 1), no_cell);
  roster.touch(user("ann", 1), {}, policy, now + 4 * minute);
  now += 5 * minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::away);
  EXPECT_EQ(region.pool.at<User>(find("ann", 1)).status, Status::online);
}

TEST_F(RosterActivity, AClockThatGoesBackHarmsNobody) {
  touch("ann");
  now -= minute;
  EXPECT_EQ(touch("ann").status, Status::online);
  EXPECT_EQ(view("ann").last_seen, start);
  settle();
  EXPECT_EQ(next_due(), start + 5 * minute);
}

}  // namespace
}  // namespace presence::test
