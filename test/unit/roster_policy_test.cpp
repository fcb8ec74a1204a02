// roster_policy_test.cpp: settings that change while people are here.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterPolicy : public RosterTest {};

TEST_F(RosterPolicy, AShorterIdleTimeoutEndsAtItsOwnMoment) {
  touch("ann");
  announcements();
  now += 3 * minute;
  policy.idle_timeout = minute;
  reschedule();
  EXPECT_EQ(announcements(), (std::vector<Told>{{"ann", Status::online, Status::away, "",
                                                 "idle_timeout", start + minute}}));
}

TEST_F(RosterPolicy, ALongerIdleTimeoutBringsThemBack) {
  touch("ann");
  now += 6 * minute;
  settle();
  announcements();
  policy.idle_timeout = 10 * minute;
  reschedule();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::away, Status::online, "", "activity", now}}));
  EXPECT_EQ(next_due(), start + 10 * minute);
}

TEST_F(RosterPolicy, ComesToEverybodySeenAtOneMoment) {
  // Given a hundred of each of three moments, all of them away.
  std::vector<std::string> ids;
  for (int i = 0; i < 300; i++) ids.push_back("u" + std::to_string(i));
  for (int moment = 0; moment < 3; moment++, now += second)
    for (int i = 0; i < 100; i++) touch(ids[static_cast<std::size_t>(100 * moment + i)]);
  now += 6 * minute;
  settle();
  announcements();
  // When idle_timeout is another that keeps them away, then nothing changes; when it is longer, all
  // are back.
  policy.idle_timeout = 4 * minute;
  reschedule();
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(counts().away, 300u);
  EXPECT_EQ(find_problem(region), "");
  policy.idle_timeout = 10 * minute;
  reschedule();
  EXPECT_EQ(announcements().size(), 300u);
  EXPECT_EQ(counts().online, 300u);
  EXPECT_EQ(find_problem(region), "");
}

TEST_F(RosterPolicy, AShorterOfflineTimeoutEndsTheExpiringChoiceToo) {
  // Given somebody busy until later: its deadline is in the heap.
  choose("ann", Status::busy, now + 20 * minute);
  announcements();
  now += 10 * minute;
  policy = {minute, 2 * minute, 90 * second};
  reschedule();
  EXPECT_EQ(announcements(), (std::vector<Told>{{"ann", Status::busy, Status::offline, "",
                                                 "timeout", start + 2 * minute}}));
  EXPECT_EQ(counts().busy, 0u);
}

TEST_F(RosterPolicy, ALongerOfflineTimeoutPostponesTheEnd) {
  choose("ann", Status::busy, now + 50 * minute);
  policy.offline_timeout = 60 * minute;
  reschedule();
  EXPECT_EQ(next_due(), start + 50 * minute);
  now = start + 45 * minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::busy);
}

TEST_F(RosterPolicy, WhoeverIsGoneStaysGone) {
  touch("ann");
  now += 31 * minute;
  settle();
  announcements();
  policy.offline_timeout = 60 * minute;
  reschedule();
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterPolicy, ATouchMayKnowOfItBeforeTheWorkerDoes) {
  // Given somebody busy until later, whose session is over by a policy that only this backend has
  // read.
  choose("ann", Status::busy, now + 20 * minute);
  now += 10 * minute;
  policy = {minute, 2 * minute, 90 * second};
  // Then its touch makes a new session.
  EXPECT_EQ(touch("ann").status, Status::busy);
  EXPECT_EQ(view("ann").session_count, 1u);
  EXPECT_EQ(find_problem(region), "");
}

TEST_F(RosterPolicy, SoMayACommit) {
  choose("ann", Status::busy, now + 20 * minute);
  now += 10 * minute;
  policy = {minute, 2 * minute, 90 * second};
  commit("ann", ChangeKind::be_automatic);
  EXPECT_EQ(stored_status("ann"), Status::online);
}

TEST_F(RosterPolicy, TheOldOneAfterTheNewOneIsNoHarm) {
  const Policy old = policy, shorter = {minute, 2 * minute, 90 * second};
  for (const char* id : {"ann", "bob"}) touch(id);
  choose("bob", Status::busy, now + 20 * minute);
  for (int i = 0; i < 40; i++) {
    now += 47 * second;
    policy = i % 2 == 0 ? shorter : old;
    settle();
    touch(i % 3 == 0 ? "ann" : "bob");
  }
  EXPECT_EQ(counts().online + counts().busy + counts().away, 2u);
}

// A reload of such a setting places nobody anew.
TEST(PolicyMark, IsOfWhatUsersArePlacedBy) {
  Policy other;
  other.large_channel = 7;
  EXPECT_EQ(mark_of(other), mark_of({}));
  other.idle_timeout = minute;
  EXPECT_NE(mark_of(other), mark_of({}));
}

}  // namespace
}  // namespace presence::test
