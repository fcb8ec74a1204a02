// member_rows_test.cpp: where members stand with their rows.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class MemberRows : public ChannelTest {
 protected:
  explicit MemberRows(RegionSize size = {}) : ChannelTest(size) {}

  // Somebody whose row says everything.
  void join_and_write() {
    connect("ann", "desk");
    join("ann", "room");
    tick();
    write_rows();
    ASSERT_EQ(row_state(), RowState::current);
  }
  RowState row_state() { return region.pool.at<Member>(member("ann", "room").cell).row; }
};

TEST_F(MemberRows, AJoinIsWritten) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  move("ann", "room", "7", {}, "7-9");
  set_state("ann", "room", "hand");
  EXPECT_EQ(row_state(), RowState::waiting);
  EXPECT_EQ(begin_member_rows(), Lines{"ann room"});
  EXPECT_EQ(member_.data(), "blue");
  EXPECT_TRUE(member_.has_own_data);
  EXPECT_EQ(member_.cursor(), "7");
  EXPECT_EQ(member_.selection(), "7-9");
  EXPECT_EQ(member_.state(), "hand");
  EXPECT_EQ(split(member_.seats()), Lines{"desk"});
  EXPECT_EQ(member_.joined_at, now);
  EXPECT_EQ(member_.last_active, now);
  end_rows(true);
  EXPECT_EQ(row_state(), RowState::current);
  EXPECT_EQ(write_rows(), Lines{});
}

// A loader that has read the rows before compares this count.
TEST_F(MemberRows, WhoeverIsGoneIsCountedOnceItsRowIs) {
  join_and_write();
  const uint32_t partition = key("ann").partition();
  const uint32_t before = roster.member_removals(0, partition);
  leave("ann", "room");
  tick();
  EXPECT_EQ(roster.member_removals(0, partition), before) << "its row is still there";
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
  EXPECT_EQ(roster.member_removals(0, partition), before + 1);
}

TEST_F(MemberRows, OneThatWasDeletedByMistakeIsWrittenAgain) {
  join_and_write();
  roster.miss_member_row(find("ann"), channel_key("room"));
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  roster.miss_member_row(find("ann"), channel_key("hall"));
  EXPECT_EQ(write_rows(), Lines{});
}

TEST_F(MemberRows, AMoveWaitsForTheFlush) {
  join_and_write();
  move("ann", "room", "7");
  EXPECT_EQ(row_state(), RowState::dirty);
  EXPECT_EQ(write_rows(), Lines{});
  flush_rows();
  EXPECT_EQ(write_rows(), Lines{"ann room"});
}

TEST_F(MemberRows, ATouchWaitsForTheFlush) {
  join_and_write();
  now += second;
  touch("ann");
  EXPECT_EQ(row_state(), RowState::dirty);
  flush_rows();
  EXPECT_EQ(begin_member_rows(), Lines{"ann room"});
  EXPECT_EQ(member_.last_active, now);
  end_rows(true);
}

TEST_F(MemberRows, OtherDataAndOtherSessionsAreWrittenSoon) {
  join_and_write();
  join_with("ann", "room", "blue");
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  connect("ann", "phone");
  EXPECT_EQ(write_rows(), Lines{});
  join("ann", "room", "phone");
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  leave("ann", "room", "desk");
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  EXPECT_EQ(split(member_.seats()), Lines{"phone"});
}

TEST_F(MemberRows, TheSessionThatTakesAPlaceOverIsWritten) {
  touch("ann");
  join("ann", "room");
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  EXPECT_EQ(member_.seats(), "");
  connect("ann", "desk");
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  EXPECT_EQ(split(member_.seats()), Lines{"desk"});
}

TEST_F(MemberRows, WhatChangesWhileItIsWrittenIsWrittenOnceMore) {
  connect("ann", "desk");
  join("ann", "room");
  begin_member_rows();
  move("ann", "room", "7");
  end_rows(true);
  EXPECT_EQ(row_state(), RowState::waiting);
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  EXPECT_EQ(row_state(), RowState::current);
}

TEST_F(MemberRows, AFailedTransactionIsDoneOnceMore) {
  connect("ann", "desk");
  join("ann", "room");
  EXPECT_EQ(begin_member_rows(), Lines{"ann room"});
  end_rows(false);
  EXPECT_EQ(row_state(), RowState::held);
  EXPECT_EQ(begin_member_rows(), Lines{});
  try_rows_again();
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  leave("ann", "room");
  tick();
  EXPECT_EQ(begin_deleting_rows(), Lines{"ann room"});
  end_rows(false);
  EXPECT_EQ(delete_rows(), Lines{});
  try_rows_again();
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
  EXPECT_EQ(delete_rows(), Lines{});
}

TEST_F(MemberRows, ALockedRowIsLeftForAnotherTime) {
  connect("ann", "desk");
  join("ann", "room");
  begin_member_rows();
  const Cell cell = member_.cell;
  const uint32_t partition = key("ann").partition();
  roster.leave_member_row(0, partition, cell);
  EXPECT_FALSE(roster.has_members(0, partition, RowState::waiting));
  end_rows(true);
  EXPECT_EQ(begin_member_rows(), Lines{}) << "others come first";
  try_rows_again();
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  leave("ann", "room");
  begin_deleting_rows();
  roster.leave_member_row(0, partition, cell);
  end_rows(true);
  EXPECT_EQ(delete_rows(), Lines{});
  try_rows_again();
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
  tick();
}

TEST_F(MemberRows, WhoeverLeavesBeforeItsRowIsWrittenHasNone) {
  connect("ann", "desk");
  join("ann", "room");
  leave("ann", "room");
  EXPECT_EQ(write_rows(), Lines{});
  EXPECT_EQ(delete_rows(), Lines{});
  tick();
}

TEST_F(MemberRows, WhoeverLeavesHasItsRowDeleted) {
  join_and_write();
  leave("ann", "room");
  EXPECT_EQ(write_rows(), Lines{});
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
  EXPECT_EQ(tick(), Lines{"ann left room (leave)"});
}

TEST_F(MemberRows, WhoeverLeavesWhileItsRowIsWrittenHasItDeleted) {
  for (const bool committed : {true, false}) {
    connect("ann", "desk");
    join("ann", "room");
    EXPECT_EQ(begin_member_rows(), Lines{"ann room"});
    leave("ann", "room");
    end_rows(committed);
    EXPECT_EQ(write_rows(), Lines{});
    EXPECT_EQ(delete_rows(), Lines{"ann room"});
    EXPECT_EQ(tick(), Lines{});
  }
}

TEST_F(MemberRows, WhoeverComesBackBeforeItsRowIsDeletedKeepsIt) {
  join_and_write();
  leave("ann", "room");
  join("ann", "room");
  EXPECT_EQ(delete_rows(), Lines{});
  EXPECT_EQ(write_rows(), Lines{"ann room"});
}

TEST_F(MemberRows, WhoeverComesBackWhileItsRowIsDeletedIsWrittenAnew) {
  for (const bool committed : {true, false}) {
    connect("ann", "desk");
    join("ann", "room");
    write_rows();
    leave("ann", "room");
    EXPECT_EQ(begin_deleting_rows(), Lines{"ann room"});
    join("ann", "room");
    EXPECT_EQ(begin_member_rows(), Lines{});
    end_rows(committed);
    EXPECT_EQ(write_rows(), Lines{"ann room"});
    leave("ann", "room");
    delete_rows();
  }
  tick();
}

TEST_F(MemberRows, WhoeverComesBackAndGoesWhileItsRowIsDeletedHasNone) {
  join_and_write();
  leave("ann", "room");
  begin_deleting_rows();
  join("ann", "room");
  leave("ann", "room");
  end_rows(true);
  delete_rows();
  EXPECT_EQ(write_rows(), Lines{});
  tick();
}

TEST_F(MemberRows, NothingIsLeftOnceItIsToldAndDeleted) {
  join_and_write();
  const uint32_t used = region.pool.used();
  join("ann", "hall");
  write_rows();
  tick();
  leave("ann", "hall");
  delete_rows();
  EXPECT_GT(region.pool.used(), used);
  tick();
  EXPECT_EQ(region.pool.used(), used);
  join("ann", "hall");
  write_rows();
  leave("ann", "hall");
  tick();
  EXPECT_GT(region.pool.used(), used);
  delete_rows();
  tick();
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(MemberRows, WhoOnlyTypesHasNoRow) {
  type("ann", "room");
  flush_rows();
  EXPECT_EQ(write_rows(), Lines{});
}

TEST_F(MemberRows, AMemberOfManySessionsNamesThemAll) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; i++) names.push_back("session" + std::to_string(i));
  for (const std::string& name : names) {
    connect("ann", name);
    join("ann", "room", name);
  }
  EXPECT_EQ(write_rows(), Lines{"ann room"});
  EXPECT_EQ(split(member_.seats()).size(), names.size());
}

// ---- after a restart -------------------------------------------------------

class LoadedMembers : public MemberRows {
 protected:
  explicit LoadedMembers(RegionSize size = {}) : MemberRows(size) {}

  // Somebody of the last run, with its sessions.
  void load_user(std::string_view id, std::initializer_list<std::string_view> sessions = {}) {
    Row row;
    row.status = Status::online;
    row.last_seen = now - minute;
    row.session_ends_at = now + policy.session_timeout;
    const Cell cell = roster.load(key(id), row, policy, now);
    ASSERT_NE(cell, no_cell);
    for (const std::string_view session : sessions) {
      SessionRowFacts facts;
      facts.key = session_key(session);
      facts.active_at = now - minute;
      facts.connected_at = now - 2 * minute;
      facts.ends_at = now + policy.session_timeout;
      ASSERT_TRUE(roster.load_session(cell, facts, policy, now));
    }
  }
  MemberRowFacts row(std::string_view channel) const {
    MemberRowFacts row;
    row.channel = channel_key(channel);
    row.joined_at = now - 2 * minute;
    row.last_active = now - minute;
    row.data = "blue";
    row.cursor = "7";
    row.selection = "7-9";
    row.state = "hand";
    return row;
  }
  bool load(std::string_view id, const MemberRowFacts& row) {
    return roster.load_member(find(id), row, policy, now);
  }
};

TEST_F(LoadedMembers, AreAsTheirRowsSayAndListenersKnowThem) {
  load_user("ann", {"desk", "phone"});
  MemberRowFacts of = row("room");
  const SessionKey sessions[] = {session_key("phone"), session_key("gone")};
  of.sessions = sessions;
  ASSERT_TRUE(load("ann", of));
  EXPECT_EQ(member("ann", "room").data(), "blue");
  EXPECT_EQ(member_.cursor(), "7");
  EXPECT_EQ(member_.selection(), "7-9");
  EXPECT_EQ(member_.state(), "hand");
  EXPECT_EQ(member_.joined_at, now - 2 * minute);
  EXPECT_EQ(member_.last_active, now - minute);
  EXPECT_EQ(split(member_.seats()), Lines{"phone"});
  EXPECT_EQ(count_of("room"), 1u);
  EXPECT_EQ(row_state(), RowState::current);
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(write_rows(), Lines{});
}

TEST_F(LoadedMembers, LeaveWhenNobodyComesBack) {
  load_user("ann", {"desk"});
  MemberRowFacts of = row("room");
  const SessionKey sessions[] = {session_key("desk")};
  of.sessions = sessions;
  load("ann", of);
  EXPECT_EQ(tick_for(policy.session_timeout), Lines{"ann left room (timeout)"});
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
}

TEST_F(LoadedMembers, StayWhenTheirSessionsAreHeardOf) {
  load_user("ann", {"desk"});
  MemberRowFacts of = row("room");
  const SessionKey sessions[] = {session_key("desk")};
  of.sessions = sessions;
  load("ann", of);
  now += minute;
  heartbeat("desk");
  EXPECT_EQ(tick_for(minute), Lines{});
  EXPECT_TRUE(is_member("ann", "room"));
}

TEST_F(LoadedMembers, OneWithoutASessionHasThatWhichWasMadeUp) {
  load_user("ann");
  ASSERT_TRUE(load("ann", row("room")));
  EXPECT_EQ(seats("ann", "room"), Lines{});
  connect("ann", "desk");
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(LoadedMembers, AreInTheOrderOfTheirActivity) {
  load_user("ann");
  load_user("bob");
  MemberRowFacts of = row("room");
  of.last_active = now - 2 * minute;
  load("bob", of);
  of.last_active = now - minute;
  load("ann", of);
  EXPECT_EQ(members("room"), (Lines{"ann", "bob"}));
  EXPECT_EQ(member("bob", "room").last_active, now - 2 * minute);
}

TEST_F(LoadedMembers, WhoeverHasJoinedByNowIsNotOverwritten) {
  load_user("ann");
  join_with("ann", "room", "green");
  EXPECT_FALSE(load("ann", row("room")));
  EXPECT_EQ(member("ann", "room").data(), "green");
}

TEST_F(LoadedMembers, WhoeverIsOfflineIsNoMember) {
  load_user("ann");
  now += policy.session_timeout;
  EXPECT_FALSE(load("ann", row("room")));
  EXPECT_EQ(count_of("room"), 0u);
}

TEST_F(LoadedMembers, WithoutACursorOrAStateHaveNone) {
  load_user("ann");
  MemberRowFacts of = row("room");
  of.data = of.cursor = of.selection = of.state = {};
  ASSERT_TRUE(load("ann", of));
  EXPECT_EQ(member("ann", "room").cursor(), "");
  EXPECT_FALSE(member_.has_own_data);
}

TEST_F(LoadedMembers, MayHaveMoreSessionsThanLieInTheMember) {
  load_user("ann", {"a", "b", "c", "d", "e"});
  MemberRowFacts of = row("room");
  const SessionKey sessions[] = {session_key("a"), session_key("b"), session_key("c"),
                                 session_key("d"), session_key("e"), session_key("a")};
  of.sessions = sessions;
  ASSERT_TRUE(load("ann", of));
  EXPECT_EQ(seats("ann", "room"), (Lines{"a", "b", "c", "d", "e"}));
}

TEST_F(LoadedMembers, WhenMemoryIsFullAFewSessionsFitAllTheSame) {
  load_user("ann", {"a", "b", "c", "d"});
  MemberRowFacts of = row("room");
  of.data = of.cursor = of.selection = of.state = {};
  const SessionKey sessions[] = {session_key("a"), session_key("b"), session_key("c"),
                                 session_key("d")};
  of.sessions = sessions;
  const uint32_t used = region.pool.used();
  while (region.pool.take() != no_cell) held++;
  for (uint32_t freed = 1; freed <= 3; freed++, held--) region.pool.give(used + freed);
  ASSERT_TRUE(load("ann", of));
  EXPECT_EQ(seats("ann", "room"), (Lines{"a", "b", "c"}));
}

TEST_F(LoadedMembers, WhenMemoryIsFullNothingIsLoaded) {
  load_user("ann");
  const uint32_t used = region.pool.used();
  while (region.pool.take() != no_cell) held++;
  const uint32_t needed = 6;  // member, channel, extras, data, cursor, state
  for (uint32_t freed = 0; freed < needed; freed++) {
    EXPECT_FALSE(load("ann", row("room"))) << freed;
    EXPECT_EQ(region.pool.used(), used + held);
    ASSERT_EQ(find_problem(region, held), "");
    region.pool.give(used + 1 + freed);
    held--;
  }
  EXPECT_TRUE(load("ann", row("room")));
}

}  // namespace
}  // namespace presence::test
