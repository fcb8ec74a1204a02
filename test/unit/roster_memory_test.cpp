// roster_memory_test.cpp: memory that is full, eviction, and the end of realms.
#include "roster_fixture.h"

namespace presence::test {
namespace {

// ---- full ------------------------------------------------------------------

class RosterFull : public RosterTest {
 protected:
  RosterFull() : RosterTest({12, 2, 1}) {}

  // Takes what is free but so much; the rest is given back when the test ends.
  void leave_free(uint32_t cells) {
    while (region.pool.count() - region.pool.used() > cells) {
      region.pool.take();
      held++;
    }
  }
};

TEST_F(RosterFull, AddNeedsACellAndALongIdTwo) {
  leave_free(1);
  EXPECT_EQ(roster.add(key(text_of(37))), no_cell);
  EXPECT_EQ(region.pool.used(), 11u) << "nothing is kept";
  EXPECT_NE(roster.add(key("ann")), no_cell);
  EXPECT_EQ(roster.add(key("bob")), no_cell);
}

TEST_F(RosterFull, ATouchThatFindsNoCellChangesNothing) {
  const Cell cell = user("ann");
  leave_free(1);
  // The page finds a cell, the session none.
  const Touched touched = roster.touch(cell, {std::nullopt, "/a", 5}, policy, now);
  EXPECT_TRUE(touched.full);
  EXPECT_EQ(touched.status, Status::offline);
  EXPECT_EQ(region.pool.used(), 11u);
  EXPECT_FALSE(view("ann").has_last_seen);
  EXPECT_EQ(view("ann").page(), "");
  EXPECT_EQ(view("ann").activity_count, 0u);
  EXPECT_EQ(persist("ann"), Persist::current);
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterFull, ATouchOfSomebodyPresentNeedsNothing) {
  touch("ann");
  leave_free(0);
  now += minute;
  EXPECT_FALSE(touch("ann").full);
  EXPECT_EQ(view("ann").last_seen, now);
}

TEST_F(RosterFull, ANewPageNeedsRoomBeforeTheOldOneGoes) {
  touch("ann", {std::nullopt, "/a", 1});
  leave_free(0);
  EXPECT_TRUE(touch("ann", {std::nullopt, "/b", 1}).full);
  EXPECT_EQ(view("ann").page(), "/a");
  EXPECT_FALSE(touch("ann", {std::nullopt, "/a", 1}).full);
}

TEST_F(RosterFull, ALoadThatFindsNoCellLeavesNothing) {
  Row row;
  row.status = Status::busy;
  row.last_seen = now;
  const std::string page = text_of(240), message = text_of(121);
  row.page = page;
  row.choices.layers[0] = {Status::busy, now + minute, never, message};
  row.choices.layers[1] = {Status::away, never, never, "lunch"};
  row.choices.count = 2;
  // Two for the page, two and one for messages, extras, session, the user and its id.
  const std::string id = text_of(128);
  for (uint32_t free = 0; free < 9; free++) {
    leave_free(12);
    const uint32_t used = region.pool.used();
    std::vector<Cell> taken;
    while (region.pool.count() - region.pool.used() > free) taken.push_back(region.pool.take());
    EXPECT_EQ(roster.load(key(id), row, policy, now), no_cell) << free;
    EXPECT_EQ(region.pool.count() - region.pool.used(), free);
    for (const Cell cell : taken) region.pool.give(cell);
    EXPECT_EQ(region.pool.used(), used);
    EXPECT_EQ(find(id), no_cell);
  }
  leave_free(9);
  EXPECT_NE(roster.load(key(id), row, policy, now), no_cell);
  EXPECT_EQ(view(id).message(), message);
}

TEST_F(RosterFull, AWishThatFindsNoCellKeepsNone) {
  leave_free(5);
  EXPECT_FALSE(reserve_wish(region, {ChangeKind::choose, Status::busy, now, never, text_of(360),
                                     Reason::custom, "because"}));
  EXPECT_EQ(region.pool.used(), 7u);
}

TEST_F(RosterFull, ACommitNeedsNothing) {
  const Cell cell = user("ann");
  roster.claim(cell);
  auto wish = reserve_wish(
      region, {ChangeKind::choose, Status::busy, now, never, "call", Reason::custom, "meeting"});
  ASSERT_TRUE(wish);
  leave_free(0);
  roster.grant(cell, *wish, policy, now);
  roster.drop_claim(cell);
  EXPECT_EQ(view("ann").message(), "call");
  EXPECT_EQ(view("ann").reason_name(), "meeting");
}

TEST_F(RosterFull, ALogoutNeedsNothingAtAll) {
  choose("ann", Status::busy, never, "call");
  leave_free(0);
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(stored_status("ann"), Status::offline);
  commit("ann", ChangeKind::set_message, "");
  EXPECT_EQ(view("ann").message(), "");
}

TEST_F(RosterFull, WhoeverCouldNotEvenBeginIsNotKept) {
  leave_free(1);
  const Cell cell = user("ann");
  EXPECT_TRUE(roster.touch(cell, {}, policy, now).full);
  EXPECT_TRUE(roster.remove_if_blank(cell));
  EXPECT_EQ(find("ann"), no_cell);
}

TEST_F(RosterFull, WhoeverIsKnownIsKept) {
  touch("ann");
  EXPECT_FALSE(roster.remove_if_blank(find("ann")));
  const Cell claimed = user("bob");
  roster.claim(claimed);
  EXPECT_FALSE(roster.remove_if_blank(claimed));
  roster.drop_claim(claimed);
  EXPECT_EQ(find("bob"), no_cell);
}

TEST_F(RosterFull, TimeNeedsNothing) {
  choose("ann", Status::busy, now + minute, "call");
  leave_free(0);
  now += minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::online);
  now += 60 * minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::offline);
}

// ---- eviction --------------------------------------------------------------

class RosterEviction : public RosterTest {
 protected:
  RosterEviction() : RosterTest({3000, 2, 4}) {}

  // Offline, told and written: nobody needs it in memory.
  void add_offline(const std::string& id) {
    touch(id);
    commit(id, ChangeKind::leave);
    write_all();
  }
};

TEST_F(RosterEviction, FreesTheOldestOfflineFirst) {
  const std::vector<std::string> ids = ids_in(2, 5);
  for (const std::string& id : ids) add_offline(id);
  EXPECT_EQ(roster.evict(2, 2), 2u);
  EXPECT_EQ(find(ids[0]), no_cell);
  EXPECT_EQ(find(ids[1]), no_cell);
  EXPECT_NE(find(ids[2]), no_cell);
  EXPECT_EQ(roster.evict(2, 10), 3u);
  EXPECT_EQ(roster.evict(2, 1), 0u);
}

TEST_F(RosterEviction, GivesBackEverythingOfTheUser) {
  const uint32_t used = region.pool.used();
  const std::string id = ids_in(2, 1, text_of(100))[0];
  touch(id, {std::nullopt, text_of(2048), 1});
  commit(id, ChangeKind::leave, text_of(500));
  write_all();
  EXPECT_GT(region.pool.used(), used + 20);
  EXPECT_EQ(roster.evict(2, 1), 1u);
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(RosterEviction, SparesWhoeverIsPresentClaimedUntoldOrUnwritten) {
  const std::vector<std::string> ids = ids_in(2, 5);
  for (const std::string& id : ids) add_offline(id);
  touch(ids[0]);                                  // present
  roster.claim(find(ids[1]));                     // claimed
  commit(ids[2], ChangeKind::set_message, "hi");  // untold
  touch_seen_at(ids[3], now - 60 * minute);       // told, and counted since it was written
  EXPECT_EQ(roster.evict(2, 10), 1u);
  EXPECT_EQ(find(ids[4]), no_cell);
  for (int i = 0; i < 4; i++) EXPECT_NE(find(ids[static_cast<std::size_t>(i)]), no_cell) << i;
  roster.drop_claim(find(ids[1]));
}

TEST_F(RosterEviction, GoesThroughAllRealms) {
  const std::string id = ids_in(2, 1)[0];
  std::string in_other = "x";
  while (key(in_other, 1).partition() != 2) in_other += "x";
  add_offline(id);
  ASSERT_NE(roster.add(key(in_other, 1)), no_cell);
  EXPECT_EQ(roster.evict(2, 10), 2u);
  EXPECT_EQ(find(in_other, 1), no_cell);
}

TEST_F(RosterEviction, LooksPastThoseWhoWaitForTheWorker) {
  const std::vector<std::string> ids = ids_in(2, 61);
  for (std::size_t i = 0; i < 60; i++) {
    touch(ids[i]);
    commit(ids[i], ChangeKind::leave);
  }
  announcements();
  const Cell last = user(ids[60]);
  EXPECT_EQ(region.share(0, 2).lists[offline_list].newest, last);
  EXPECT_EQ(roster.evict(2, 1), 1u);
}

TEST_F(RosterEviction, GetsPastAnyNumberOfThemInTheEnd) {
  // Given more that wait for the worker than one eviction looks at, and one behind them.
  const std::vector<std::string> ids = ids_in(2, 1200);
  for (const std::string& id : ids) touch_seen_at(id, now - 60 * minute);
  const Cell last = roster.add(key(ids_in(2, 1, "last")[0]));
  ASSERT_NE(last, no_cell);
  // Then a later call finds it, for the others were put behind it.
  const uint32_t evicted = roster.evict(2, 1) + roster.evict(2, 1);
  EXPECT_EQ(evicted, 1u);
}

TEST_F(RosterEviction, CountsWhoLeftMemory) {
  const std::string id = ids_in(2, 1)[0];
  const uint32_t before = roster.removals(0, 2);
  add_offline(id);
  EXPECT_EQ(roster.removals(0, 2), before);
  roster.evict(2, 1);
  EXPECT_EQ(roster.removals(0, 2), before + 1);
  EXPECT_EQ(roster.removals(1, 2), 0u);
}

// ---- the end of a realm, and a reset ---------------------------------------

class RosterEnds : public RosterTest {
 protected:
  void fill() {
    for (int i = 0; i < 40; i++) {
      const std::string id = "user" + std::to_string(i);
      touch(id, {std::nullopt, text_of(130), 1});
      if (i % 2 == 0) choose(id, Status::busy, now + i * minute + 1, text_of(150));
      if (i % 5 == 0) commit(id, ChangeKind::leave);
      if (i == 20) announcements();
    }
    begin_writing();
  }
  template <typename Step>
  int repeat(Step step) {
    int calls = 0;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      for (calls++; !step(partition); calls++)
        if (calls > 1000) return calls;
    return calls;
  }
};

TEST_F(RosterEnds, RemoveAllLeavesNothingInPortions) {
  roster.touch(user("elsewhere", 1), {}, policy, now);
  const uint32_t used = region.pool.used();
  fill();
  EXPECT_GT(repeat([&](uint32_t partition) { return roster.remove_all(0, partition, 2); }), 20);
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_NE(find("elsewhere", 1), no_cell);
  for (int i = 0; i < 40; i++) EXPECT_EQ(find("user" + std::to_string(i)), no_cell);
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterEnds, BlankAllKeepsTheClaimedAndNothingOfThem) {
  fill();
  for (int i = 0; i < 40; i += 3) roster.claim(find("user" + std::to_string(i)));
  repeat([&](uint32_t partition) { return roster.blank_all(0, partition, 1); });
  for (int i = 0; i < 40; i++) {
    const std::string id = "user" + std::to_string(i);
    if (i % 3 != 0) {
      EXPECT_EQ(find(id), no_cell) << id;
      continue;
    }
    EXPECT_EQ(view(id).status, Status::offline);
    EXPECT_FALSE(view(id).has_last_seen);
    EXPECT_EQ(view(id).page(), "");
    EXPECT_EQ(view(id).message(), "");
    EXPECT_EQ(view(id).activity_count, 0u);
    EXPECT_EQ(view(id).changed_at, forever_ago);
    EXPECT_EQ(persist(id), Persist::current);
    EXPECT_EQ(stored(id).announced, Status::offline);
  }
  EXPECT_TRUE(announcements().empty());
  for (int i = 0; i < 40; i += 3) roster.drop_claim(find("user" + std::to_string(i)));
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(RosterEnds, BlankAllComesToAnEndHoweverManyAreClaimed) {
  const std::vector<std::string> ids = ids_in(7, 20);
  for (const std::string& id : ids) {
    touch(id);
    roster.claim(find(id));
  }
  EXPECT_LE(repeat([&](uint32_t partition) { return roster.blank_all(0, partition, 3); }), 16 + 7);
  for (const std::string& id : ids) roster.drop_claim(find(id));
}

TEST_F(RosterEnds, AWishOutlivesAReset) {
  touch("ann", {std::nullopt, "/a", 1});
  roster.claim(find("ann"));
  auto wish = reserve_wish(region, {ChangeKind::choose, Status::busy, now, never, "hi"});
  repeat([&](uint32_t partition) { return roster.blank_all(0, partition, 1); });
  roster.grant(find("ann"), *wish, policy, now);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::offline, Status::busy, "hi", "manual", now}}));
  EXPECT_EQ(view("ann").page(), "");
}

}  // namespace
}  // namespace presence::test
