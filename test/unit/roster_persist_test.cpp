// roster_persist_test.cpp: where users stand with their rows.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterPersist : public RosterTest {
 protected:
  bool has(Persist state) const {
    bool any = false;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      any |= roster.has(0, partition, state);
    return any;
  }
  void flush() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.flush(0, partition);
  }
  void try_again() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.try_again(0, partition);
  }
  // Somebody whose row says everything.
  void write(std::string_view id) {
    touch(id);
    write_all();
    ASSERT_EQ(persist(id), Persist::current);
  }
};

// ---- the life of a change --------------------------------------------------

TEST_F(RosterPersist, AChangeByActivityWaitsOnceItHasBeenTold) {
  touch("ann");
  EXPECT_EQ(persist("ann"), Persist::dirty);
  announcements();
  EXPECT_EQ(persist("ann"), Persist::waiting);
  EXPECT_EQ(begin_writing(), std::vector<std::string>{"ann"});
  EXPECT_EQ(persist("ann"), Persist::writing);
  EXPECT_TRUE(roster.is_being_written(find("ann")));
  roster.end_writing(find("ann"));
  EXPECT_EQ(persist("ann"), Persist::current);
  EXPECT_FALSE(has(Persist::waiting));
}

TEST_F(RosterPersist, ATouchThatChangesNoStatusIsWrittenNowAndThen) {
  write("ann");
  now += minute;
  touch("ann");
  EXPECT_EQ(persist("ann"), Persist::dirty);
  EXPECT_TRUE(begin_writing().empty());
  flush();
  EXPECT_EQ(begin_writing(), std::vector<std::string>{"ann"});
  EXPECT_EQ(view_.last_seen, now);
}

TEST_F(RosterPersist, ATouchWhileItIsBeingWrittenIsWrittenLater) {
  touch("ann");
  announcements();
  begin_writing();
  touch("ann");
  EXPECT_EQ(persist("ann"), Persist::writing);
  roster.end_writing(find("ann"));
  EXPECT_EQ(persist("ann"), Persist::dirty);
}

TEST_F(RosterPersist, AChangeWhileItIsBeingWrittenIsWrittenAfterwards) {
  touch("ann");
  announcements();
  begin_writing();
  now += 5 * minute;
  settle();
  roster.end_writing(find("ann"));
  announcements();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterPersist, TheRowFollowsWhatWasSettledNotWhatIsDue) {
  touch("ann");
  announcements();
  now += 6 * minute;
  begin_writing();
  EXPECT_EQ(view_.status, Status::online);
  roster.end_writing(find("ann"));
  settle();
  announcements();
  begin_writing();
  EXPECT_EQ(view_.status, Status::away);
  EXPECT_EQ(view_.changed_at, start + 5 * minute);
}

TEST_F(RosterPersist, ALockedRowIsHeldUntilItIsTriedAgain) {
  touch("ann");
  announcements();
  begin_writing();
  roster.give_up_writing(find("ann"));
  EXPECT_EQ(persist("ann"), Persist::held);
  EXPECT_TRUE(begin_writing().empty());
  try_again();
  EXPECT_EQ(begin_writing(), std::vector<std::string>{"ann"});
}

TEST_F(RosterPersist, AHeldRowStaysHeldWhateverIsTold) {
  touch("ann");
  announcements();
  begin_writing();
  roster.give_up_writing(find("ann"));
  now += 5 * minute;
  settle();
  announcements();
  EXPECT_EQ(persist("ann"), Persist::held);
  touch("ann");
  EXPECT_EQ(persist("ann"), Persist::held);
}

TEST_F(RosterPersist, ANewWorkerWritesWhatTheOldOneBegan) {
  touch("ann");
  announcements();
  begin_writing();
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster.recover_writing(0, partition);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

// ---- claims ----------------------------------------------------------------

TEST_F(RosterPersist, AClaimedUserIsNotWritten) {
  touch("ann");
  announcements();
  roster.claim(find("ann"));
  EXPECT_TRUE(begin_writing().empty());
  EXPECT_EQ(persist("ann"), Persist::held);
  EXPECT_TRUE(roster.drop_claim(find("ann"))) << "the worker waits for this";
  EXPECT_EQ(begin_writing(), std::vector<std::string>{"ann"});
}

TEST_F(RosterPersist, OnlyTheLastClaimCounts) {
  touch("ann");
  announcements();
  roster.claim(find("ann"));
  roster.claim(find("ann"));
  begin_writing();
  EXPECT_FALSE(roster.drop_claim(find("ann")));
  EXPECT_EQ(persist("ann"), Persist::held);
  EXPECT_TRUE(roster.drop_claim(find("ann")));
}

TEST_F(RosterPersist, AClaimThatNobodyWaitsForIsDroppedQuietly) {
  write("ann");
  roster.claim(find("ann"));
  EXPECT_FALSE(roster.drop_claim(find("ann")));
}

// ---- rows that transactions wrote ------------------------------------------

TEST_F(RosterPersist, WhatATransactionWroteIsNotWrittenAgain) {
  write("ann");
  choose("ann", Status::busy);
  EXPECT_EQ(announcements().size(), 1u);
  EXPECT_EQ(persist("ann"), Persist::current);
}

TEST_F(RosterPersist, ATransactionWroteWhateverWasWaiting) {
  touch("ann");
  announcements();
  choose("ann", Status::busy);
  announcements();
  EXPECT_EQ(persist("ann"), Persist::dirty) << "a touch since may still be missing";
}

TEST_F(RosterPersist, AChangeByTimeAfterTheCommitIsWritten) {
  write("ann");
  choose("ann", Status::busy, now + minute);
  now += minute;
  settle();
  announcements();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

// A transaction writes the row when it asks, and is true when it commits. In between the user may
// have moved on, and nobody else has written that.
class RosterLateCommit : public RosterPersist {
 protected:
  void begin(const Ask& ask) {
    roster.claim(user("ann"));
    asked_ = ask;
    asked_.at = now;
    wish_ = *reserve_wish(region, asked_);
  }
  void end() {
    roster.grant(find("ann"), wish_, policy, now);
    roster.drop_claim(find("ann"));
    announcements();
  }

 private:
  Ask asked_;
  Wish wish_;
};

TEST_F(RosterLateCommit, OfOnlineThatIsIdleByNowIsWrittenAgain) {
  begin({ChangeKind::be_automatic});
  now += 6 * minute;
  end();
  EXPECT_EQ(stored_status("ann"), Status::away);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, OfOnlineThatTimedOutByNowIsWrittenAgain) {
  begin({ChangeKind::be_automatic});
  now += 31 * minute;
  end();
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, AfterATouchThatMadeTheDifferenceIsWrittenAgain) {
  write("ann");
  choose("ann", Status::busy);
  announcements();
  now += 6 * minute;
  begin({ChangeKind::clear});  // away, by then
  touch("ann");
  end();
  EXPECT_EQ(stored_status("ann"), Status::online);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, AfterATimeoutIsWrittenAgain) {
  write("ann");
  now += minute;
  begin({ChangeKind::set_message, Status::offline, 0, never, "hi"});
  now += 5 * minute;
  settle();
  end();
  EXPECT_EQ(stored_status("ann"), Status::away);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, AfterTheLastSessionEndedIsWrittenAgain) {
  // Given that nothing is left of the session that the transaction saw.
  write("ann");
  begin({ChangeKind::set_message, Status::offline, 0, never, "hi"});
  now += 31 * minute;
  settle();
  end();
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, OfAMessageThatExpiredByNowIsWrittenAgain) {
  write("ann");
  begin({ChangeKind::set_message, Status::offline, 0, now + second, "hi"});
  now += second;
  end();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, ThatComesToTheSameIsNotWrittenAgain) {
  choose("ann", Status::away);
  write_all();
  begin({ChangeKind::choose, Status::busy});
  now += 10 * minute;
  end();
  EXPECT_EQ(stored_status("ann"), Status::busy);
  EXPECT_EQ(persist("ann"), Persist::current);
}

// Somebody offline, whose choices expire without anybody being told.
class RosterLateCommitOffline : public RosterLateCommit {
 protected:
  RosterLateCommitOffline() {
    Row row;
    row.last_seen = now - 60 * minute;
    row.choices.layers[0] = {Status::busy, now + minute, now + minute, "call"};
    row.choices.layers[1] = {Status::away, now + 9 * minute, now + 9 * minute, "lunch"};
    row.choices.count = 2;
    roster.load(key("ann"), row, policy, now);
  }
};

TEST_F(RosterLateCommitOffline, ThatKeepsAnotherMessageByNowIsWrittenAgain) {
  begin({ChangeKind::choose, Status::busy});
  now += 2 * minute;
  end();
  EXPECT_EQ(view("ann").message(), "lunch");
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommitOffline, ThatClearsAnotherMessageByNowIsWrittenAgain) {
  begin({ChangeKind::set_message, Status::offline, 0, never, ""});
  now += 2 * minute;
  end();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommitOffline, ThatComesToTheSameIsNotWrittenAgain) {
  begin({ChangeKind::leave});
  now += 30 * second;
  end();
  EXPECT_EQ(persist("ann"), Persist::current);
}

TEST_F(RosterLateCommit, OfSeveralWishesIsWrittenAgainWhenOneOfThemNeedsIt) {
  write("ann");
  const Ask first{ChangeKind::set_message, Status::offline, now, now + second, "hi"};
  const Cell cell = find("ann");
  roster.claim(cell);
  Wish early = *reserve_wish(region, first);
  now += second;
  Wish late = *reserve_wish(region, {ChangeKind::choose, Status::busy, now});
  roster.grant(cell, early, policy, now);
  roster.grant(cell, late, policy, now);
  roster.drop_claim(cell);
  announcements();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(RosterLateCommit, OfForgetIsNeverWritten) {
  write("ann");
  begin({ChangeKind::forget});
  now += 5 * minute;
  settle();
  touch("ann");
  end();
  EXPECT_EQ(find("ann"), no_cell);
}

// ---- a user whose row is current is free to go -----------------------------

TEST_F(RosterPersist, NothingToTellButARowToWrite) {
  // Online, told, written; then away and back within one round of the worker.
  write("ann");
  now += 5 * minute;
  settle();
  touch("ann");
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

}  // namespace
}  // namespace presence::test
