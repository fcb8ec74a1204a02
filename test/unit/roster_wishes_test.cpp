// roster_wishes_test.cpp: changes of transactions, before and after COMMIT.
#include "roster_fixture.h"

namespace presence::test {
namespace {

class RosterWishes : public RosterTest {
 protected:
  Wish wish(Ask ask) {
    if (ask.at == 0) ask.at = now;
    held += cells_of_wish(ask);
    return *reserve_wish(region, ask);
  }
  void grant(std::string_view id, Wish& wish, const Ask& ask) {
    roster.grant(find(id), wish, policy, now);
    held -= cells_of_wish(ask);
  }
};

const Ask busy{ChangeKind::choose, Status::busy};

// ---- where the row is ------------------------------------------------------

TEST_F(RosterWishes, ThePlaceOfARowIsRememberedWithAChoice) {
  touch("ann");
  roster.set_row_place(find("ann"), {7, 3});
  EXPECT_FALSE(roster.row_place(find("ann")).is_known()) << "there is no room for it";
  choose("ann", Status::busy);
  EXPECT_FALSE(roster.row_place(find("ann")).is_known());
  roster.set_row_place(find("ann"), {7, 3});
  choose("ann", Status::away);
  EXPECT_EQ(roster.row_place(find("ann")).block, 7u);
  EXPECT_EQ(roster.row_place(find("ann")).number, 3u);
  commit("ann", ChangeKind::clear);
  EXPECT_FALSE(roster.row_place(find("ann")).is_known());
  EXPECT_FALSE(roster.row_place(user("bob")).is_known());
}

// ---- what a transaction sees, and nobody else ------------------------------

TEST_F(RosterWishes, ATransactionSeesItsOwnChanges) {
  touch("ann");
  roster.claim(find("ann"));
  const Wish wishes[] = {wish(busy)};
  EXPECT_EQ(roster.status_at(find("ann"), wishes, policy, now), Status::busy);
  EXPECT_EQ(view("ann", wishes).status, Status::busy);
  EXPECT_EQ(view("ann").status, Status::online) << "others do not";
}

TEST_F(RosterWishes, SeveralChangesAddUp) {
  roster.claim(user("ann"));
  const Wish wishes[] = {
      wish({ChangeKind::choose, Status::away, 0, never, "lunch"}),
      wish({ChangeKind::choose, Status::busy, 0, now + minute}),
      wish({ChangeKind::set_message, Status::offline, 0, now + 2 * minute, "call"})};
  EXPECT_EQ(view("ann", wishes).status, Status::busy);
  EXPECT_EQ(view("ann", wishes).message(), "call");
  EXPECT_EQ(view("ann", wishes).session_count, 1u);
  now += minute;
  EXPECT_EQ(view("ann", wishes).status, Status::away)
      << "the earlier choice of the same transaction";
  char line[max_choices_bytes];
  const std::size_t bytes = roster.choices_line(find("ann"), wishes, now, line);
  EXPECT_EQ(std::string(line, bytes), "away - " + std::to_string(start + 2 * minute) + " 4:call");
}

TEST_F(RosterWishes, AChoiceMayExpireBeforeTheNextOneOfItsTransaction) {
  // Given a message, and a transaction that is busy for a minute and keeps it.
  commit("ann", ChangeKind::set_message, "hello");
  roster.claim(find("ann"));
  const Wish first = wish({ChangeKind::choose, Status::busy, 0, start + minute});
  // When it chooses anew, with a message, after that minute.
  now = start + 2 * minute;
  const Wish wishes[] = {first,
                         wish({ChangeKind::choose, Status::away, 0, start + 3 * minute, "call"})};
  EXPECT_EQ(view("ann", wishes).message(), "call");
  // Then what comes back is the message from before, as if it had committed in between.
  now = start + 3 * minute;
  EXPECT_EQ(view("ann", wishes).message(), "hello");
}

TEST_F(RosterWishes, RollbackGivesEverythingBack) {
  const uint32_t used = region.pool.used();
  const Cell cell = user("ann");
  roster.claim(cell);
  Wish open = *reserve_wish(region, {ChangeKind::choose, Status::busy, now, never, text_of(500),
                                     Reason::custom, text_of(64)});
  roster.free_wish(open);
  EXPECT_FALSE(roster.drop_claim(cell));
  EXPECT_EQ(find("ann"), no_cell) << "never heard of";
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(RosterWishes, AForgottenUserLooksForgottenToItsTransaction) {
  touch("ann", {std::nullopt, "/secret", 5});
  choose("ann", Status::busy, never, "hi");
  roster.claim(find("ann"));
  const Wish wishes[] = {wish({ChangeKind::forget}), wish({ChangeKind::be_automatic})};
  const UserView& seen = view("ann", wishes);
  EXPECT_EQ(seen.status, Status::online);
  EXPECT_EQ(seen.page(), "");
  EXPECT_EQ(seen.message(), "");
  EXPECT_EQ(seen.activity_count, 0u);
  EXPECT_EQ(seen.interactions_per_minute, 0u);
}

TEST_F(RosterWishes, TheLineOfChoicesSaysWhatTheViewSays) {
  // Given a choice with a message over another one, and it has expired unnoticed.
  choose("ann", Status::away, never, "lunch");
  choose("ann", Status::busy, start + minute, "call");
  now = start + 2 * minute;
  // When a transaction keeps the message.
  roster.claim(find("ann"));
  const Wish wishes[] = {wish({ChangeKind::choose, Status::busy, 0, now + minute})};
  EXPECT_EQ(view("ann", wishes).message(), "lunch");
  char line[max_choices_bytes];
  const std::size_t bytes = roster.choices_line(find("ann"), wishes, now, line);
  EXPECT_EQ(read_choices({line, bytes})->layers[0].message, "lunch");
}

// ---- commit ----------------------------------------------------------------

TEST_F(RosterWishes, CommitMakesItTrue) {
  touch("ann");
  announcements();
  commit("ann",
         {ChangeKind::choose, Status::busy, now, never, "in a call", Reason::custom, "meeting"});
  EXPECT_EQ(
      announcements(),
      (std::vector<Told>{{"ann", Status::online, Status::busy, "in a call", "meeting", now}}));
  EXPECT_EQ(stored("ann").announced, Status::busy);
}

TEST_F(RosterWishes, AManualStatusStaysOnActivityAndEndsWithItsSession) {
  choose("ann", Status::away);
  now += minute;
  EXPECT_EQ(touch("ann").status, Status::away);
  now += 30 * minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::offline);
}

TEST_F(RosterWishes, AnExpiryFiresAtItsMoment) {
  choose("ann", Status::busy, start + 3 * minute);
  announcements();
  EXPECT_EQ(next_due(), start + 3 * minute);
  now = start + 4 * minute;
  settle();
  EXPECT_EQ(announcements(), (std::vector<Told>{{"ann", Status::busy, Status::online, "", "expired",
                                                 start + 3 * minute}}));
}

TEST_F(RosterWishes, AnEarlierUnexpiredChoiceComesBack) {
  choose("ann", Status::away, never, "lunch");
  choose("ann", Status::busy, start + 3 * minute, "call");
  announcements();
  now = start + 3 * minute;
  settle();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::busy, Status::away, "lunch", "expired", now}}));
}

TEST_F(RosterWishes, AMessageExpiresByItself) {
  touch("ann");
  commit("ann", ChangeKind::set_message, "brb", start + minute);
  announcements();
  now = start + minute;
  settle();
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::online, Status::online, "", "expired", now}}));
}

TEST_F(RosterWishes, TheSameMessageAgainIsNoChange) {
  commit("ann", ChangeKind::set_message, "brb");
  announcements();
  commit("ann", ChangeKind::set_message, "brb");
  EXPECT_TRUE(announcements().empty());
}

TEST_F(RosterWishes, LogoutEndsTheSession) {
  choose("ann", Status::busy);
  announcements();
  now += minute;
  commit("ann", {ChangeKind::leave, Status::offline, now, never, std::nullopt, Reason::logout});
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::busy, Status::offline, "", "logout", now}}));
  EXPECT_EQ(view("ann").session_count, 0u);
  EXPECT_EQ(touch("ann").status, Status::online) << "the choice went with it";
}

TEST_F(RosterWishes, ClearIsNoActivity) {
  choose("ann", Status::busy);
  now += 6 * minute;
  commit("ann", ChangeKind::clear);
  EXPECT_EQ(stored_status("ann"), Status::away);
  EXPECT_EQ(view("ann").last_seen, start);
}

TEST_F(RosterWishes, ChangesOfOneTransactionAreToldOnce) {
  touch("ann");
  announcements();
  choose("ann", Status::busy);
  choose("ann", Status::away);
  EXPECT_EQ(announcements().size(), 1u);
}

TEST_F(RosterWishes, CellsThatAreNotNeededGoBack) {
  touch("ann");
  const uint32_t used = region.pool.used();
  commit("ann", {ChangeKind::clear, Status::offline, now, never, std::nullopt, Reason::custom,
                 text_of(64)});
  EXPECT_EQ(region.pool.used(), used) << "nothing changed, so nobody needs the reason";
  choose("ann", Status::busy);
  commit("ann", ChangeKind::clear);
  announcements();
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(RosterWishes, ACustomReasonIsKeptUntilItIsTold) {
  touch("ann");
  announcements();
  commit("ann", {ChangeKind::leave, Status::offline, now, never, std::nullopt, Reason::custom,
                 "closing time"});
  EXPECT_EQ(view("ann").reason_name(), "closing time");
  EXPECT_EQ(announcements().at(0).reason, "closing time");
  EXPECT_EQ(stored("ann").extras, no_cell);
}

TEST_F(RosterWishes, ALaterReasonReplacesACustomOne) {
  commit("ann", {ChangeKind::choose, Status::busy, now, now + minute, std::nullopt, Reason::custom,
                 "call"});
  now += minute;
  settle();
  EXPECT_EQ(announcements().at(0).reason, "expired");
}

TEST_F(RosterWishes, ACommitUnderWayCanBeSeen) {
  const Cell cell = user("ann");
  roster.claim(cell);
  EXPECT_FALSE(roster.is_committing(cell));
  roster.set_committing(cell, true);
  EXPECT_TRUE(roster.is_committing(cell));
  Wish open = wish(busy);
  grant("ann", open, busy);
  // Somebody else who claims the user ends nothing.
  roster.claim(cell);
  roster.drop_claim(cell);
  EXPECT_TRUE(roster.is_committing(cell));
  roster.set_committing(cell, false);
  roster.drop_claim(cell);
  EXPECT_FALSE(roster.is_committing(cell));
}

// ---- a commit that comes late ----------------------------------------------

TEST_F(RosterWishes, AChoiceThatExpiredBeforeItsCommitIsNeverSeen) {
  // Given somebody with a message, and a transaction that replaces it for a minute.
  touch("ann");
  commit("ann", ChangeKind::set_message, "hello");
  announcements();
  const Ask ask{ChangeKind::choose, Status::busy, now, now + minute, "call"};
  Wish late = wish(ask);
  // When it commits after that minute.
  now += 2 * minute;
  grant("ann", late, ask);
  // Then the message is the old one, for readers and for listeners.
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(view("ann").message(), "hello");
  touch("ann");
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(region.pool.at<Extras>(stored("ann").extras).choices.depth, 0);
}

TEST_F(RosterWishes, ActivityOfALongTransactionIsFromWhenItWasAskedFor) {
  const Ask ask{ChangeKind::be_automatic, Status::offline, now};
  roster.claim(user("ann"));
  Wish late = wish(ask);
  now += 10 * minute;
  grant("ann", late, ask);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(view("ann").last_seen, start);
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::offline, Status::away, "", "idle_timeout", now}}));
}

TEST_F(RosterWishes, ALongTransactionMayEndAfterItsOwnSession) {
  const Ask ask{ChangeKind::choose, Status::busy, now};
  roster.claim(user("ann"));
  Wish late = wish(ask);
  now += 31 * minute;
  grant("ann", late, ask);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(stored_status("ann"), Status::offline);
  EXPECT_EQ(stored("ann").sessions, no_cell);
  // Nobody is told, but the row said busy: this is the step from there.
  EXPECT_TRUE(announcements().empty());
  EXPECT_EQ(persist("ann"), Persist::waiting);
  EXPECT_EQ(stored("ann").reason, Reason::timeout);
  EXPECT_EQ(stored("ann").changed_at, now);
}

// ---- forget ----------------------------------------------------------------

TEST_F(RosterWishes, AForgottenUserIsFreedWhenThatHasBeenTold) {
  const uint32_t used = region.pool.used();
  touch("ann", {std::nullopt, text_of(2048), 1});
  choose("ann", Status::busy, never, text_of(500));
  announcements();
  commit("ann", {ChangeKind::forget, Status::offline, now, never, std::nullopt, Reason::forgotten});
  EXPECT_NE(find("ann"), no_cell);
  EXPECT_EQ(view("ann").page(), "");
  EXPECT_FALSE(view("ann").has_last_seen);
  EXPECT_EQ(announcements(),
            (std::vector<Told>{{"ann", Status::busy, Status::offline, "", "forgotten", now}}));
  EXPECT_EQ(find("ann"), no_cell);
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(RosterWishes, AForgottenUserOfWhomNothingIsToTellIsFreedAtOnce) {
  touch("ann");
  now += 60 * minute;
  settle();
  write_all();
  commit("ann", {ChangeKind::forget, Status::offline, now, never, std::nullopt, Reason::forgotten});
  EXPECT_EQ(find("ann"), no_cell);
}

TEST_F(RosterWishes, AForgottenUserMayComeBackBeforeThatIsTold) {
  touch("ann", {std::nullopt, "/a", 1});
  announcements();
  commit("ann", {ChangeKind::forget, Status::offline, now, never, std::nullopt, Reason::forgotten});
  touch("ann");
  EXPECT_TRUE(announcements().empty()) << "online before, online now";
  EXPECT_EQ(view("ann").page(), "");
  EXPECT_EQ(view("ann").activity_count, 1u);
  EXPECT_EQ(persist("ann"), Persist::waiting) << "its row is gone";
}

}  // namespace
}  // namespace presence::test
