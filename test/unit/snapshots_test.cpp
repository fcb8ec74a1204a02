// snapshots_test.cpp: what a snapshot has shown is told, or its end is, even if all is as listeners
// believe by the time the worker comes to it.
#include "visibility_fixture.h"

namespace presence::test {
namespace {

class Snapshots : public VisibilityTest {
 protected:
  // Somebody takes a snapshot just now.
  void take_snapshot() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.note_shown(0, partition);
  }
  // Of users: "id before to now".
  Lines told() {
    Lines lines;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(partition)) {
        EXPECT_TRUE(user_news_.everybody_hears || !user_news_.is_shown);
        lines.push_back(std::string(view_.id()) + " " + std::string(name_of(user_news_.before)) +
                        " to " + std::string(name_of(user_news_.now)) +
                        (user_news_.is_shown ? ", shown" : ""));
      }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  // Of members, as everybody hears it.
  Lines told_of_members() {
    announcements();
    channel_news();
    news();
    return public_news_;
  }
};

// ---- users

TEST_F(Snapshots, WhoComesAndGoesInATickIsNoEvent) {
  touch("ann");
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(told(), Lines{});
}

TEST_F(Snapshots, WhoWasShownOnlineIsToldToBeGone) {
  touch("ann");
  take_snapshot();
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(told(), Lines{"ann offline to offline, shown"});
  EXPECT_EQ(told(), Lines{});
}

TEST_F(Snapshots, WhoWasMissingIsToldToBeThere) {
  touch("ann");
  told();
  commit("ann", ChangeKind::leave);
  take_snapshot();
  touch("ann");
  EXPECT_EQ(told(), Lines{"ann online to online, shown"});
}

TEST_F(Snapshots, AStatusThereAndBackIsToldWhenItWasShown) {
  touch("ann");
  told();
  choose("ann", Status::busy);
  take_snapshot();
  commit("ann", ChangeKind::be_automatic);
  EXPECT_EQ(told(), Lines{"ann online to online, shown"});
}

TEST_F(Snapshots, WhatChangesAfterTheSnapshotIsAsAlways) {
  touch("ann");
  told();
  take_snapshot();
  choose("ann", Status::busy);
  commit("ann", ChangeKind::be_automatic);
  EXPECT_EQ(told(), Lines{});
}

TEST_F(Snapshots, OnlyThoseWhoWaitedThenAreToldAnyway) {
  const Lines ids = {"ann", "bob", "cem", "dan", "eve", "fay", "gus", "hal", "ida", "jon"};
  for (const std::string& id : ids) touch(id);
  told();
  const auto flicker = [&](const std::string& id) {
    choose(id, Status::busy);
    commit(id, ChangeKind::be_automatic);
  };
  for (std::size_t i = 0; i < 5; i++) flicker(ids[i]);
  take_snapshot();
  for (std::size_t i = 5; i < ids.size(); i++) flicker(ids[i]);
  Lines expected;
  for (std::size_t i = 0; i < 5; i++) expected.push_back(ids[i] + " online to online, shown");
  EXPECT_EQ(told(), expected);
}

TEST_F(Snapshots, WhileOneIsTakenEverythingIsTold) {
  touch("ann");
  told();
  choose("ann", Status::busy);
  commit("ann", ChangeKind::be_automatic);
  EXPECT_TRUE(roster.take_announcement(0, key("ann").partition(), policy, true, user_news_));
  EXPECT_TRUE(user_news_.is_shown);
  EXPECT_TRUE(user_news_.everybody_hears);
}

TEST_F(Snapshots, WhoHidesAllTheTimeIsNotBetrayed) {
  touch("ann");
  hide("ann");
  told();
  choose("ann", Status::busy);
  take_snapshot();
  commit("ann", ChangeKind::be_automatic);
  ASSERT_TRUE(take_announcement(key("ann").partition()));
  EXPECT_FALSE(user_news_.everybody_hears);
}

TEST_F(Snapshots, WhoHidesAndChangesOtherRulesIsNotBetrayed) {
  touch("ann");
  hide("ann");
  told();
  take_snapshot();
  hide("ann");
  take_snapshot();
  ASSERT_TRUE(take_announcement(key("ann").partition()));
  EXPECT_TRUE(user_news_.rules_changed);
  EXPECT_FALSE(user_news_.everybody_hears);
}

TEST_F(Snapshots, WhoShowedItselfForAMomentIsToldToBeGone) {
  touch("ann");
  hide("ann");
  told();
  show("ann");
  take_snapshot();
  hide("ann");
  ASSERT_TRUE(take_announcement(key("ann").partition()));
  EXPECT_TRUE(user_news_.everybody_hears);
  EXPECT_EQ(user_news_.now, Status::offline);
}

// ---- members

TEST_F(Snapshots, WhoJoinsAndLeavesInATickIsNoEvent) {
  touch("ann");
  told_of_members();
  join("ann", "room");
  leave("ann", "room");
  EXPECT_EQ(told_of_members(), Lines{});
}

TEST_F(Snapshots, AMemberThatWasShownIsToldToHaveLeft) {
  touch("ann");
  told_of_members();
  join("ann", "room");
  take_snapshot();
  leave("ann", "room");
  EXPECT_EQ(told_of_members(), Lines{"ann left room (leave)"});
}

TEST_F(Snapshots, AMemberThatWasMissingIsToldWithItsCursor) {
  touch("ann");
  join("ann", "room");
  told_of_members();
  leave("ann", "room");
  take_snapshot();
  join("ann", "room");
  move("ann", "room", "7");
  now += minute;
  EXPECT_EQ(told_of_members(), (Lines{"ann is updated in room: ", "ann moved in room: 7"}));
}

TEST_F(Snapshots, TypingThatWasShownIsToldToBeOver) {
  touch("ann");
  told_of_members();
  type("ann", "room");
  take_snapshot();
  stop_typing("ann", "room");
  EXPECT_EQ(told_of_members(), Lines{"ann stopped typing in room (stopped)"});
}

TEST_F(Snapshots, TypingThatWasShownIsToldToBeOverForThoseWhoMayNotKnowAnyMore) {
  touch("ann");
  told_of_members();
  type("ann", "room");
  take_snapshot();
  hide("ann");
  EXPECT_EQ(told_of_members(),
            (Lines{"ann stopped typing in room (manual)", "ann left room (manual)"}));
}

TEST_F(Snapshots, OfAHiddenMemberNothingIsTold) {
  touch("ann");
  hide("ann");
  join("ann", "room");
  told_of_members();
  type("ann", "room");
  take_snapshot();
  stop_typing("ann", "room");
  EXPECT_EQ(told_of_members(), Lines{});
}

TEST_F(Snapshots, AMemberThatShowedItselfForAMomentIsToldToHaveLeft) {
  touch("ann");
  hide("ann");
  join("ann", "room");
  told_of_members();
  show("ann");
  take_snapshot();
  hide("ann");
  const Lines heard = told_of_members();
  EXPECT_NE(std::find_if(heard.begin(), heard.end(),
                         [](const std::string& line) { return line.starts_with("ann left room"); }),
            heard.end());
}

TEST_F(Snapshots, ARecordThatIsGoneIsNotLookedAt) {
  touch("ann");
  join("ann", "room");
  take_snapshot();
  while (!roster.blank_all(0, key("ann").partition(), 100)) {
  }
  touch("bob");
  join("bob", "room");
  told();
  EXPECT_EQ(told_of_members(), Lines{"bob joined room"});
}

}  // namespace
}  // namespace presence::test
