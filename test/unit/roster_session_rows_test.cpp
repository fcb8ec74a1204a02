// roster_session_rows_test.cpp: where sessions stand with their rows, and the queue of activities.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterSessionRows : public RosterTest {
 protected:
  void connect_with(std::string_view id, std::string_view session, const std::string& details) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = Status::online;
    ask.reason = Reason::connect;
    ask.session = session;
    ask.details = details;
    commit(id, ask);
  }
  RowState row_of(std::string_view id) const { return region.pool.at<Session>(session(id)).row; }
  // Takes what waits, and says whose rows they are.
  std::vector<std::string> write() {
    return take([&](uint32_t partition) {
      return roster.begin_writing_session(0, partition, policy, now, row);
    });
  }
  std::vector<std::string> erase() {
    return take(
        [&](uint32_t partition) { return roster.begin_deleting_session(0, partition, row); });
  }
  void end(bool committed) {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.end_session_rows(0, partition, committed);
  }
  void try_again() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.try_session_rows_again(0, partition);
  }
  void flush() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.flush_sessions(0, partition);
  }
  // Somebody whose session's row says everything.
  void connect_and_write(std::string_view id, std::string_view session) {
    connect_with(id, session, "desk");
    write();
    end(true);
    ASSERT_EQ(row_of(session), RowState::current);
  }

  SessionView row;

 private:
  template <typename Take>
  std::vector<std::string> take(Take take) {
    std::vector<std::string> ids;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take(partition)) ids.emplace_back(row.id());
    return ids;
  }
};

using Ids = std::vector<std::string>;

TEST_F(RosterSessionRows, ANewOneIsWrittenWithItsDetailsOnce) {
  connect_with("ann", "desk", "Firefox");
  EXPECT_EQ(row_of("desk"), RowState::waiting);
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.user_id(), "ann");
  EXPECT_EQ(row.connected_at, now);
  EXPECT_TRUE(row.has_details);
  EXPECT_EQ(row.details(), "Firefox");
  EXPECT_EQ(row_of("desk"), RowState::writing);
  EXPECT_TRUE(write().empty());
  end(true);
  EXPECT_EQ(row_of("desk"), RowState::current);
  EXPECT_EQ(region.pool.at<Session>(session("desk")).details, no_cell)
      << "only in the table from now on";
}

TEST_F(RosterSessionRows, WhatWasNotCommittedIsWrittenAgain) {
  connect_with("ann", "desk", "Firefox");
  write();
  end(false);
  EXPECT_EQ(write(), Ids{}) << "it is held";
  try_again();
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.details(), "Firefox");
  end(true);
  EXPECT_TRUE(write().empty());
}

TEST_F(RosterSessionRows, WhatChangedWhileItWasWrittenIsWrittenAgain) {
  connect_with("ann", "desk", "Firefox");
  write();
  connect_with("ann", "desk", "Chrome");
  end(true);
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.details(), "Chrome");
  touch_in("ann", "desk");
  end(true);
  EXPECT_EQ(row_of("desk"), RowState::waiting);
}

TEST_F(RosterSessionRows, ATouchOrAHeartbeatIsFlushedNowAndThen) {
  connect_and_write("ann", "desk");
  now += minute;
  bool changed;
  EXPECT_TRUE(heartbeat("desk", changed));
  EXPECT_TRUE(changed) << "a flush must be planned";
  EXPECT_EQ(row_of("desk"), RowState::dirty);
  EXPECT_TRUE(heartbeat("desk", changed));
  EXPECT_FALSE(changed);
  EXPECT_TRUE(write().empty());
  flush();
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.heard_at, now);
  EXPECT_FALSE(row.has_details);
  end(true);
  now += second;
  EXPECT_TRUE(heartbeat("desk", changed));
  EXPECT_TRUE(changed) << "and after that once more";
  flush();
  write();
  end(true);
  touch("ann");
  EXPECT_EQ(row_of("desk"), RowState::dirty) << "it was the newest";
}

TEST_F(RosterSessionRows, WhatASessionSaysIsFlushedToo) {
  connect_and_write("ann", "desk");
  say("ann", "desk", Status::away);
  flush();
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.status, Status::away);
}

TEST_F(RosterSessionRows, OneThatEndsBeforeItWasWrittenLeavesNothing) {
  const uint32_t used = region.pool.used();
  connect_with("ann", text_of(100), "desk");
  now += 31 * minute;
  settle();
  EXPECT_TRUE(erase().empty());
  EXPECT_EQ(region.pool.used(), used + 1) << "but its user";
}

TEST_F(RosterSessionRows, OneThatEndsIsNotFoundAndItsRowIsDeleted) {
  const Time begin = now;
  connect_and_write("ann", "desk");
  const uint32_t used = region.pool.used();
  now += 31 * minute;
  settle();
  EXPECT_EQ(session("desk"), no_cell);
  EXPECT_EQ(erase(), Ids{"desk"});
  EXPECT_EQ(row.connected_at, begin);
  end(false);
  EXPECT_EQ(erase(), Ids{}) << "it is held";
  try_again();
  EXPECT_EQ(erase(), Ids{"desk"}) << "not committed";
  EXPECT_EQ(region.pool.used(), used);
  end(true);
  EXPECT_TRUE(erase().empty());
  EXPECT_EQ(region.pool.used(), used - 1);
}

TEST_F(RosterSessionRows, OneThatEndsWhileItIsWrittenIsDeletedAfterwards) {
  connect_with("ann", "desk", "Firefox");
  write();
  log_out("ann");
  end(true);
  EXPECT_EQ(erase(), Ids{"desk"});
  end(true);
}

TEST_F(RosterSessionRows, ALaterOneOfTheSameIdHasARowOfItsOwn) {
  connect_and_write("ann", "desk");
  log_out("ann");
  now += second;
  connect_with("bob", "desk", "Chrome");
  EXPECT_EQ(erase(), Ids{"desk"});
  EXPECT_EQ(row.connected_at, now - second);
  EXPECT_EQ(write(), Ids{"desk"});
  EXPECT_EQ(row.user_id(), "bob");
  EXPECT_EQ(row.connected_at, now);
  end(true);
  EXPECT_EQ(row_of("desk"), RowState::current);
}

TEST_F(RosterSessionRows, AReconnectKeepsItsBegin) {
  connect_and_write("ann", "desk");
  now += minute;
  connect_with("ann", "desk", "Chrome");
  EXPECT_EQ(row_of("desk"), RowState::waiting);
  write();
  EXPECT_EQ(row.connected_at, now - minute);
  EXPECT_EQ(row.details(), "Chrome");
}

TEST_F(RosterSessionRows, TheImplicitOneHasNone) {
  touch("ann");
  flush();
  EXPECT_TRUE(write().empty());
  std::vector<SessionView> room(1);
  EXPECT_EQ(roster.sessions(find("ann"), policy, now, room), 1u);
  EXPECT_EQ(room[0].id(), "");
}

TEST_F(RosterSessionRows, AResetForgetsWhatWasToBeDeleted) {
  connect_and_write("ann", "desk");
  connect_and_write("bob", "phone");
  log_out("ann");
  log_out("bob");
  roster.begin_deleting_session(0, key("ann").partition(), row);
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (!roster.blank_all(0, partition, 1)) {
    }
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(RosterSessionRows, SessionsAreCopiedAsTheyAre) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = Status::busy;
  ask.session = "desk";
  ask.lease = 20 * minute;
  ask.page = "/a";
  ask.details = "Firefox";
  ask.gateway = "g1";
  commit("ann", ask);
  now += 20 * second;
  hear_gateway("g1");
  touch_in("ann", "phone");
  std::vector<SessionView> room(1);
  EXPECT_EQ(roster.sessions(find("ann"), policy, now, room), 2u) << "more than there is room for";
  EXPECT_EQ(room[0].id(), "phone") << "the newest first";
  EXPECT_EQ(room[0].connected_at, now);
  EXPECT_EQ(room[0].heard_at, forever_ago);
  room.resize(2);
  roster.sessions(find("ann"), policy, now, room);
  const SessionView& desk = room[1];
  EXPECT_EQ(desk.id(), "desk");
  EXPECT_EQ(desk.user_id(), "ann");
  EXPECT_EQ(desk.status, Status::busy);
  EXPECT_EQ(desk.connected_at, start);
  EXPECT_EQ(desk.active_at, start);
  EXPECT_EQ(desk.heard_at, now) << "its gateway is";
  EXPECT_EQ(desk.lease, 1'200'000u);
  EXPECT_EQ(desk.page(), "/a");
  EXPECT_EQ(desk.details(), "Firefox");
  EXPECT_EQ(desk.gateway(), "g1");
}

// ---- activities ------------------------------------------------------------

class RosterActivities : public RosterTest {
 protected:
  static constexpr uint32_t partition = 3;

  bool queue(std::string_view type, uint32_t at_most = 10) {
    return roster.queue_activity(0, partition, {now, "ann", type, "/a", "desk"}, at_most);
  }
  std::string take() {
    ActivityView view;
    return roster.begin_writing_activity(0, partition, view) ? std::string(view.activity.type)
                                                             : std::string("none");
  }
  uint32_t waiting() const { return roster.queued_activities(0, partition); }
};

TEST_F(RosterActivities, ComeOutAsTheyWentIn) {
  const std::string user_id = text_of(max_id_bytes, 'u'), type = text_of(max_activity_bytes, 't'),
                    page = text_of(max_page_bytes, 'p'), session_id = text_of(max_id_bytes, 's');
  EXPECT_TRUE(roster.queue_activity(0, partition, {now, user_id, type, page, session_id}, 1));
  EXPECT_FALSE(roster.queue_activity(0, partition, {now, "a", "b", "", ""}, 2))
      << "cells count, not activities";
  EXPECT_TRUE(roster.queue_activity(0, partition, {now, "a", "b", "", ""}, 100));
  ActivityView view;
  ASSERT_TRUE(roster.begin_writing_activity(0, partition, view));
  EXPECT_EQ(view.activity.at, now);
  EXPECT_EQ(view.activity.user_id, user_id);
  EXPECT_EQ(view.activity.type, type);
  EXPECT_EQ(view.activity.page, page);
  EXPECT_EQ(view.activity.session_id, session_id);
  ASSERT_TRUE(roster.begin_writing_activity(0, partition, view));
  EXPECT_EQ(view.activity.user_id, "a");
  EXPECT_EQ(view.activity.type, "b");
  EXPECT_EQ(view.activity.page, "");
  EXPECT_EQ(view.activity.session_id, "");
}

TEST_F(RosterActivities, OfWhomIsBeingForgottenWaitForTheEndOfThat) {
  touch("ann");
  const UserKey ann = key("ann");
  const auto queue_of = [&](std::string_view id, std::string_view type) {
    return roster.queue_activity(0, ann.partition(), {now, id, type, "", ""}, 10);
  };
  const auto taken = [&] {
    ActivityView view;
    return roster.begin_writing_activity(0, ann.partition(), view) ? std::string(view.activity.type)
                                                                   : std::string("none");
  };
  ASSERT_TRUE(queue_of("ann", "first"));
  ASSERT_TRUE(queue_of("bob", "second"));
  const Cell cell = find("ann");
  roster.claim(cell);
  roster.set_forgetting(cell);
  EXPECT_EQ(taken(), "second");
  EXPECT_EQ(taken(), "none");
  ASSERT_TRUE(queue_of("bob", "third"));
  roster.drop_claim(cell);
  EXPECT_EQ(taken(), "first");
  EXPECT_EQ(taken(), "third");
  roster.end_activities(0, ann.partition(), true);
}

TEST_F(RosterActivities, TheOldestIsFirst) {
  for (const char* type : {"a", "b", "c"}) queue(type);
  EXPECT_EQ(waiting(), 3u);
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "b");
  roster.end_activities(0, partition, true);
  EXPECT_EQ(take(), "c");
  EXPECT_EQ(take(), "none");
  roster.end_activities(0, partition, true);
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(RosterActivities, WhatWasNotCommittedIsFirstAgainAndInOrder) {
  for (const char* type : {"a", "b"}) queue(type);
  take();
  take();
  queue("c");
  roster.end_activities(0, partition, false);
  EXPECT_EQ(waiting(), 3u);
  for (const char* type : {"a", "b", "c", "none"}) EXPECT_EQ(take(), type);
  roster.end_activities(0, partition, false);
  queue("d");
  for (const char* type : {"a", "b", "c", "d", "none"}) EXPECT_EQ(take(), type);
}

TEST_F(RosterActivities, AFullQueueTakesNoMore) {
  EXPECT_TRUE(queue("a", 1));
  EXPECT_FALSE(queue("b", 1));
  EXPECT_EQ(take(), "a");
  EXPECT_TRUE(queue("b", 1)) << "those that are being written do not count";
}

TEST_F(RosterActivities, FullMemoryTakesNoMore) {
  while (region.pool.take() != no_cell) held++;
  EXPECT_FALSE(queue("a"));
  EXPECT_EQ(waiting(), 0u);
}

TEST_F(RosterActivities, OfSomebodyForgottenNothingIsLeft) {
  const uint32_t of_ann = key("ann").partition();
  for (const char* id : {"ann", "bob", "ann"})
    roster.queue_activity(0, of_ann, {now, id, "read", "", ""}, 10);
  touch("ann");
  commit("ann", {ChangeKind::forget, Status::offline, now, never, std::nullopt, Reason::forgotten});
  EXPECT_EQ(roster.queued_activities(0, of_ann), 1u);
  ActivityView view;
  ASSERT_TRUE(roster.begin_writing_activity(0, of_ann, view));
  EXPECT_EQ(view.activity.user_id, "bob");
}

TEST_F(RosterActivities, AResetEmptiesTheQueue) {
  for (const char* type : {"a", "b", "c"}) queue(type);
  take();
  EXPECT_TRUE(roster.blank_all(0, partition, 10));
  EXPECT_EQ(region.pool.used(), 0u);
  EXPECT_EQ(waiting(), 0u);
  EXPECT_TRUE(queue("d"));
  EXPECT_EQ(take(), "d");
}

}  // namespace
}  // namespace presence::test
