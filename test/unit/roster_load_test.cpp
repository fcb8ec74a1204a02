// roster_load_test.cpp: users out of their rows, after a restart and at any time.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterLoad : public RosterTest {
 protected:
  static Row row(Status status, Time last_seen = start - minute) {
    Row row;
    row.status = status;
    row.last_seen = last_seen;
    return row;
  }
  static Row chosen(Status status, Time until = never, std::string_view message = {}) {
    Row of = row(status);
    of.choices.layers[0] = {status, until, until, message};
    of.choices.count = 1;
    return of;
  }
  Row with_grace(Row row) const {
    row.session_ends_at = now + policy.session_timeout;
    return row;
  }
  void load(std::string_view id, const Row& row) {
    ASSERT_NE(roster.load(key(id), row, policy, now), no_cell);
  }
};

// ---- without a grace: somebody who was not in memory -----------------------

TEST_F(RosterLoad, SomebodyOfflineIsAsTheRowSays) {
  Row of = row(Status::offline, start - 100 * minute);
  of.page = "/a";
  of.activity_count = 7;
  load("ann", of);
  EXPECT_EQ(view("ann").status, Status::offline);
  EXPECT_EQ(view("ann").last_seen, start - 100 * minute);
  EXPECT_EQ(view("ann").page(), "/a");
  EXPECT_EQ(view("ann").activity_count, 7u);
  EXPECT_EQ(persist("ann"), Persist::current);
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterLoad, SomebodyNeverSeenHasNoLastSeen) {
  load("ann", row(Status::offline, forever_ago));
  EXPECT_FALSE(view("ann").has_last_seen);
}

TEST_F(RosterLoad, SomebodyOnlineStaysForTheRestOfTheTimeout) {
  load("ann", row(Status::online));
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(next_due(), start + 4 * minute);
  EXPECT_TRUE(announcements().empty()) << "silently";
  EXPECT_EQ(persist("ann"), Persist::current);
}

TEST_F(RosterLoad, SomebodyWhoTimedOutMeanwhileIsOfflineAndItsRowWillSaySo) {
  load("ann", row(Status::online, start - 60 * minute));
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_TRUE(announcements().empty()) << "nobody was told that she is here";
  EXPECT_EQ(persist("ann"), Persist::waiting);
  EXPECT_EQ(stored("ann").reason, Reason::timeout);
}

TEST_F(RosterLoad, AnAwayThatNobodyChoseLastsUntilTheNextActivity) {
  load("ann", row(Status::away));
  EXPECT_EQ(status("ann"), Status::away);
  EXPECT_EQ(touch("ann").status, Status::online);
}

// ---- with a grace: after a restart -----------------------------------------

TEST_F(RosterLoad, ARestartGivesASessionTimeoutToComeBack) {
  load("ann", with_grace(row(Status::online)));
  EXPECT_EQ(status("ann"), Status::online);
  now += 90 * second;
  settle();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::online, Status::offline, "", "timeout", now}}));
}

TEST_F(RosterLoad, ATouchWithinTheGraceIsNoEvent) {
  load("ann", with_grace(row(Status::online)));
  now += minute;
  touch("ann");
  now += minute;
  settle();
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(next_due(), start + 6 * minute);
}

TEST_F(RosterLoad, TheGraceHoldsForWhoeverWasGoneForLong) {
  load("ann", with_grace(row(Status::online, start - 600 * minute)));
  EXPECT_EQ(stored_status("ann"), Status::away) << "idle by its last_seen";
  EXPECT_EQ(announcements().size(), 1u) << "listeners of the last run believe otherwise";
  EXPECT_EQ(next_due(), start + 90 * second);
}

TEST_F(RosterLoad, SomebodyOfflineGetsNoGrace) {
  load("ann", with_grace(row(Status::offline)));
  EXPECT_EQ(status("ann"), Status::offline);
  EXPECT_EQ(next_due(), never);
}

// ---- choices ---------------------------------------------------------------

TEST_F(RosterLoad, ChoicesComeBack) {
  Row of = row(Status::busy);
  of.choices.layers[0] = {Status::busy, start + minute, start + minute, "call"};
  of.choices.layers[1] = {Status::away, start + 3 * minute, never, "lunch"};
  of.choices.layers[2] = {Status::offline, never, never, "hello"};
  of.choices.count = 3;
  load("ann", of);
  EXPECT_EQ(view("ann").message(), "call");
  now = start + minute;
  EXPECT_EQ(view("ann").status, Status::away);
  EXPECT_EQ(view("ann").message(), "lunch");
  now = start + 3 * minute;
  EXPECT_EQ(view("ann").status, Status::online);
  EXPECT_EQ(view("ann").message(), "lunch") << "it had no end, so it stays in place of the earlier";
  settle();
}

TEST_F(RosterLoad, AChoiceThatExpiredMeanwhileIsGoneWithTheReason) {
  load("ann", with_grace(chosen(Status::busy, start - 1, "call")));
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::busy, Status::online, "", "expired", now}}));
}

TEST_F(RosterLoad, AChosenAwaySaysNothingOfTheSession) {
  // Given somebody active a minute ago who chose to be away for one more.
  load("ann", chosen(Status::away, start + minute));
  EXPECT_EQ(status("ann"), Status::away);
  now += minute;
  EXPECT_EQ(status("ann"), Status::online);
  commit("ann", ChangeKind::clear);
  EXPECT_EQ(stored_status("ann"), Status::online);
}

TEST_F(RosterLoad, WhatWasWrittenComesBack) {
  choose("ann", Status::away, never, "lunch");
  choose("ann", Status::busy, start + 2 * minute, text_of(max_message_bytes));
  touch("ann", {std::nullopt, text_of(max_page_bytes), 1});
  char line[max_choices_bytes];
  const std::size_t bytes = roster.choices_line(find("ann"), {}, now, line);
  const std::string page(view("ann").page());
  Row of = row(view("ann").status, view("ann").last_seen);
  of.page = page;
  of.choices = *read_choices({line, bytes});
  load("bob", of);
  for (const Duration later : {Duration{0}, 2 * minute, 6 * minute, 31 * minute}) {
    now = start + later;
    EXPECT_EQ(view("bob").message(), std::string(view("ann").message()));
    EXPECT_EQ(view("bob").status, view("ann").status);
    EXPECT_EQ(view("bob").page(), std::string(view("ann").page()));
  }
}

// ---- what the rows of others may hold --------------------------------------

TEST_F(RosterLoad, TextsThatAreTooLongAreLeftOut) {
  const std::string page = text_of(max_page_bytes + 1), message = text_of(max_message_bytes + 1);
  Row of = chosen(Status::busy, never, message);
  of.page = page;
  load("ann", of);
  EXPECT_EQ(view("ann").status, Status::busy);
  EXPECT_EQ(view("ann").page(), "");
  EXPECT_EQ(view("ann").message(), "");
}

TEST_F(RosterLoad, MomentsAtTheEndsOfTimeAreNoHarm) {
  load("ann", with_grace(row(Status::online, forever_ago)));
  EXPECT_EQ(status("ann"), Status::away);
  load("bob", row(Status::online, never - 1));
  EXPECT_EQ(status("bob"), Status::online);
  now += 91 * second;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_EQ(stored_status("bob"), Status::online);
  EXPECT_EQ(touch("bob").status, Status::online);
}

}  // namespace
}  // namespace presence::test
