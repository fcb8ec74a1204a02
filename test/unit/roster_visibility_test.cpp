// roster_visibility_test.cpp: hidden is hidden, by what is read and by what is told.
#include "visibility_fixture.h"

namespace presence::test {
namespace {

class Visible : public VisibilityTest {
 protected:
  explicit Visible(RegionSize size = {}) : VisibilityTest(size) {}

  // Online, on a page, with a message and data, and known to everybody.
  void be_there(std::string_view id) {
    set_data(id, "desk " + std::string(id), "blue");
    commit(id, ChangeKind::set_message, "hello");
    Touch on_page;
    on_page.page = "/a";
    on_page.interactions = 7;
    touch(id, on_page);
    heard();
  }
};

// ---- what a viewer sees ----------------------------------------------------

TEST_F(Visible, WithoutRulesEverybodySeesAll) {
  be_there("ann");
  EXPECT_EQ(seen("zoe", "ann"), as_it_is("ann"));
  EXPECT_EQ(seen("zoe", "ann").message, "hello");
  EXPECT_EQ(detail("zoe", "ann"), Detail::full);
}

TEST_F(Visible, WhoIsHiddenLooksLikeWhoWentOfflineThen) {
  // Given two who do the same, one of whom hides when the other leaves.
  for (const std::string_view id : {"ann", "bob"}) {
    be_there(id);
    choose(id, Status::busy, now + 60 * minute);
  }
  hide("ann");
  commit("bob", ChangeKind::leave);
  // Then nothing that is seen tells the two apart, now or later, whatever the hidden one does.
  const auto expect_alike = [&](const char* when) {
    Seen hidden = seen("zoe", "ann"), gone = seen("zoe", "bob");
    EXPECT_EQ(hidden.id, "ann");
    gone.id = "ann";
    EXPECT_EQ(hidden, gone) << when;
    EXPECT_LT(glance("zoe", "ann").detail, Detail::status) << when;
    EXPECT_EQ(glance("zoe", "bob").status, Status::offline) << when;
  };
  expect_alike("at once");
  for (const Duration pause : {second, minute, 20 * minute, 41 * minute, 24 * 60 * minute}) {
    now += pause;
    Touch on_page;
    on_page.page = "/secret";
    touch("ann", on_page);
    expect_alike("after a touch");
    choose("ann", Status::away, never, "secret");
    expect_alike("after a choice");
    set_data("ann", "phone", "secret");
    expect_alike("after new data");
    join("ann", "room");
    move("ann", "room", "secret");
    type("ann", "room", "secret");
    expect_alike("after a join");
  }
  // Nor when it really goes, or time ends its sessions.
  commit("ann", ChangeKind::leave);
  expect_alike("offline");
  now += 24 * 60 * minute;
  settle();
  expect_alike("and for long");
}

TEST_F(Visible, AMessageThatIsShownEndsWhenItsTimeHasCome) {
  be_there("ann");
  be_there("bob");
  for (const std::string_view id : {"ann", "bob"})
    commit(id, ChangeKind::set_message, "lunch", now + 10 * minute);
  hide("ann");
  commit("bob", ChangeKind::leave, std::nullopt);
  for (const Duration pause : {second, 10 * minute - second - 1, Duration{1}, minute}) {
    now += pause;
    EXPECT_EQ(seen("zoe", "ann").message, pause > 1 && pause != minute ? "lunch" : "");
    EXPECT_EQ(seen("zoe", "ann").message, seen("zoe", "bob").message);
    EXPECT_EQ(seen("zoe", "ann").message_until, seen("zoe", "bob").message_until);
  }
}

TEST_F(Visible, WhatIsShownGoesOnUntilTheTransactionCommits) {
  be_there("ann");
  roster.claim(find("ann"));
  auto wish = reserve_wish(region, to_set(hidden("ann")));
  ASSERT_TRUE(wish);
  const std::span<const Wish> wishes(&*wish, 1);
  const Time asked_at = now;
  EXPECT_EQ(seen("zoe", "ann", wishes).status, Status::offline);
  EXPECT_EQ(seen("zoe", "ann", wishes).last_seen, asked_at);
  EXPECT_EQ(seen("zoe", "ann").status, Status::online) << "others do not see it yet";
  // When the user goes on meanwhile.
  now += minute;
  touch("ann");
  EXPECT_EQ(seen("zoe", "ann", wishes).last_seen, now);
  EXPECT_EQ(seen("zoe", "ann", wishes).activities, as_it_is("ann").activities);
  const Seen then = as_it_is("ann");
  roster.grant(find("ann"), *wish, policy, now);
  roster.drop_claim(find("ann"));
  // Then it was seen until the commit, and is no more.
  now += minute;
  touch("ann");
  EXPECT_EQ(seen("zoe", "ann").last_seen, then.last_seen);
  EXPECT_EQ(seen("zoe", "ann").activities, then.activities);
}

TEST_F(Visible, WhatContactsAndSingleViewersAreShownEndsWithTheCommitToo) {
  be_there("ann");
  GivenRules rules = with({contact("bea"), block("eve", 2)}, rule(Audience::nobody));
  rules.shown = {as_of_now("ann"), as_of_now("ann"), as_of_now("ann")};
  rules.to_strangers = 0;
  rules.to_contacts = 1;
  set_rules("ann", rules);
  const Time then = now;
  now += minute;
  touch("ann");
  for (const std::string_view who : {"zoe", "bea", "eve"}) {
    EXPECT_EQ(seen(who, "ann").last_seen, then) << who;
    EXPECT_EQ(seen(who, "ann").activities, 1u) << who;
  }
}

TEST_F(Visible, WhatWasShownBeforeStaysWhenTheRulesChangeAgain) {
  be_there("ann");
  hide("ann");
  const Seen then = seen("zoe", "ann");
  now += 60 * minute;
  touch("ann");
  // Given the same rules again, with what the row kept.
  GivenRules again = rule(Audience::contacts);
  again.shown = {{Detail::full, *then.last_seen, then.activities, then.message, never, then.data}};
  again.to_strangers = 0;
  set_rules("ann", again);
  EXPECT_EQ(seen("zoe", "ann"), then);
}

TEST_F(Visible, WhoNeverSawTheUserSeesNobody) {
  set_rules("ann", rule(Audience::nobody));
  be_there("ann");
  const Seen nobody = seen("zoe", "ann");
  EXPECT_EQ(nobody.status, Status::offline);
  EXPECT_EQ(nobody.last_seen, std::nullopt);
  EXPECT_EQ(nobody.message + nobody.data + nobody.page, "");
  EXPECT_EQ(nobody.activities + nobody.sessions + nobody.per_minute, 0u);
  // As of somebody who was never there.
  const Cell bob = user("bob");
  Seen stranger = seen("zoe", "bob");
  stranger.id = "ann";
  EXPECT_EQ(nobody, stranger);
  roster.remove_if_blank(bob);
}

TEST_F(Visible, OneselfAndTheApplicationSeeAll) {
  be_there("ann");
  GivenRules rules = hidden("ann");
  rules.relations = {block("ann")};
  set_rules("ann", rules);
  EXPECT_EQ(detail("ann", "ann"), Detail::full);
  EXPECT_EQ(seen("ann", "ann"), as_it_is("ann"));
  EXPECT_EQ(seen("ann", "ann").page, "/a");
  // Also of its last page and minute, when it is offline.
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(seen("ann", "ann"), as_it_is("ann"));
  EXPECT_EQ(seen("ann", "ann").page, "/a");
  EXPECT_EQ(seen("ann", "ann").per_minute, 7u);
}

TEST_F(Visible, WhoIsOfflineIsOnNoPageForOthers) {
  be_there("ann");
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(seen("zoe", "ann").page, "");
  EXPECT_EQ(seen("zoe", "ann").per_minute, 0u);
  EXPECT_EQ(seen("zoe", "ann").message, "hello");
}

TEST_F(Visible, ABlockIsForOneViewer) {
  be_there("ann");
  GivenRules rules = with({block("eve", 0)});
  rules.shown = {as_of_now("ann")};
  set_rules("ann", rules);
  const Time then = now;
  now += minute;
  touch("ann");
  EXPECT_EQ(detail("eve", "ann"), Detail::nothing);
  EXPECT_EQ(seen("eve", "ann").status, Status::offline);
  EXPECT_EQ(seen("eve", "ann").last_seen, then);
  EXPECT_EQ(seen("zoe", "ann").status, Status::online);
  EXPECT_EQ(seen("zoe", "ann").last_seen, now);
  // And is over as it came.
  show("ann");
  EXPECT_EQ(seen("eve", "ann"), as_it_is("ann"));
  EXPECT_FALSE(is_viewer("eve"));
}

TEST_F(Visible, ContactsAreShownOtherThingsThanStrangers) {
  be_there("ann");
  GivenRules rules = with({contact("bea"), contact("cat", Detail::status), block("eve", 2)},
                          rule(Audience::nobody));
  rules.shown = {as_of_now("ann"), as_of_now("ann"), as_of_now("ann")};
  rules.shown[0].last_seen -= 3 * minute;
  rules.shown[2].last_seen -= 2 * minute;
  for (GivenShown& one : rules.shown) one.is_new = false;
  rules.to_strangers = 0;
  rules.to_contacts = 1;
  set_rules("ann", rules);
  EXPECT_EQ(seen("zoe", "ann").last_seen, now - 3 * minute);
  EXPECT_EQ(seen("bea", "ann").last_seen, now);
  EXPECT_EQ(seen("eve", "ann").last_seen, now - 2 * minute);
  EXPECT_EQ(seen("cat", "ann").status, Status::online) << "its own rule speaks first";
  // Without one of their own contacts are shown what strangers are.
  rules.to_contacts = shown_as_others;
  set_rules("ann", rules);
  EXPECT_EQ(seen("bea", "ann").last_seen, now - 3 * minute);
}

TEST_F(Visible, WhoWasAContactIsShownWhatThatContactSaw) {
  be_there("ann");
  set_rules("ann", with({contact("bea")}, rule(Audience::contacts)));
  now += minute;
  touch("ann");
  EXPECT_EQ(seen("bea", "ann").status, Status::online);
  EXPECT_EQ(seen("zoe", "ann").last_seen, std::nullopt);
  // When the contact is taken away.
  GivenRules without = rule(Audience::contacts);
  without.relations = {{"bea", false, false, Detail::nothing, 0}};
  without.shown = {as_of_now("ann")};
  set_rules("ann", without);
  const Time then = now;
  now += minute;
  touch("ann");
  EXPECT_EQ(seen("bea", "ann").status, Status::offline);
  EXPECT_EQ(seen("bea", "ann").last_seen, then);
  EXPECT_EQ(seen("bea", "ann").data, "blue");
}

TEST_F(Visible, TheStatusAloneIsCutByWhoeverShowsIt) {
  be_there("ann");
  set_rules("ann", rule(Audience::everyone, Detail::status));
  const Seen of_status = seen("zoe", "ann");
  EXPECT_EQ(of_status.detail, Detail::status);
  EXPECT_EQ(of_status.status, Status::online);
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(seen("zoe", "ann").status, Status::offline);
  EXPECT_EQ(seen("zoe", "ann").page, "");
}

TEST_F(Visible, LastSeenAloneIsNobodyWhoWasSeenThen) {
  be_there("ann");
  set_rules("ann", rule(Audience::everyone, Detail::last_seen));
  now += minute;
  touch("ann");
  const Seen seen_then = seen("zoe", "ann");
  EXPECT_EQ(seen_then.detail, Detail::last_seen);
  EXPECT_EQ(seen_then.status, Status::offline);
  EXPECT_EQ(seen_then.last_seen, now);
  EXPECT_EQ(seen_then.message + seen_then.data + seen_then.page, "");
  EXPECT_EQ(seen_then.activities + seen_then.sessions + seen_then.per_minute, 0u);
  // Nor does somebody of whom that was shown before look otherwise.
  GivenRules rules = hidden("ann", Detail::last_seen);
  set_rules("ann", rules);
  EXPECT_EQ(seen("zoe", "ann"), seen_then);
}

TEST_F(Visible, WhatIsShownByStatusHasNoMessage) {
  be_there("ann");
  set_rules("ann", hidden("ann", Detail::status));
  EXPECT_EQ(seen("zoe", "ann").detail, Detail::status);
  EXPECT_EQ(seen("zoe", "ann").last_seen, now);
  GivenRules never_seen = hidden("ann", Detail::nothing);
  set_rules("ann", never_seen);
  EXPECT_EQ(seen("zoe", "ann").last_seen, std::nullopt);
}

TEST_F(Visible, AChannelsRuleSpeaksThereAlone) {
  be_there("ann");
  GivenRules rules = rule(Audience::nobody);
  rules.channel_rules = {{"room", {Audience::everyone, Detail::status}}};
  set_rules("ann", rules);
  EXPECT_EQ(detail("zoe", "ann"), Detail::nothing);
  EXPECT_EQ(detail_in("zoe", "ann", "room"), Detail::status);
  EXPECT_EQ(detail_in("zoe", "ann", "hall"), Detail::nothing);
}

TEST_F(Visible, ThereIsRoomForManyRulesAndRelations) {
  be_there("ann");
  GivenRules rules = rule(Audience::nobody);
  for (int i = 0; i < 20; i++) {
    const std::string number = std::to_string(i);
    rules.channel_rules.emplace_back("room " + number, Rule{Audience::everyone, Detail::status});
    rules.relations.push_back(contact(text_of(i % 2 ? 5 : 60) + number, Detail::status));
  }
  set_rules("ann", rules);
  for (int i = 0; i < 20; i++) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(detail_in("zoe", "ann", "room " + number), Detail::status);
    EXPECT_EQ(detail(text_of(i % 2 ? 5 : 60) + number, "ann"), Detail::status);
    EXPECT_EQ(related(text_of(i % 2 ? 5 : 60) + number), Lines{"ann"});
  }
}

TEST_F(Visible, WhoSharesAChannelIsSeenByThoseWhoAreThere) {
  be_there("ann");
  be_there("bob");
  join("ann", "room");
  set_rules("ann", rule(Audience::channel));
  EXPECT_EQ(detail("bob", "ann"), Detail::nothing);
  join("bob", "room");
  EXPECT_EQ(detail("bob", "ann"), Detail::full);
  EXPECT_EQ(detail_in("bob", "ann", "room"), Detail::full);
  EXPECT_EQ(detail("zoe", "ann"), Detail::nothing);
  leave("ann", "room");
  EXPECT_EQ(detail("bob", "ann"), Detail::nothing);
  // Whoever only types somewhere is not there.
  type("ann", "room");
  EXPECT_EQ(detail("bob", "ann"), Detail::nothing);
}

TEST_F(Visible, TheSettingSpeaksOfThoseWithoutARule) {
  be_there("ann");
  be_there("bob");
  set_rules("bob", rule(Audience::everyone));
  set_rules("ann", with({contact("bea")}));
  set_preset(Audience::contacts);
  EXPECT_EQ(detail("zoe", "ann"), Detail::nothing);
  EXPECT_EQ(detail("bea", "ann"), Detail::full);
  EXPECT_EQ(detail("zoe", "bob"), Detail::full);
}

// A record of a viewer comes and goes with the users who name it.
TEST_F(Visible, ABlockCountsAlsoOfAUserWhoIsLoadedMeanwhile) {
  // Given a call that begins when nobody in memory has anything to do with its viewer.
  const Viewer eve = viewer("eve");
  Row row;
  row.last_seen = now;
  ASSERT_NE(load("ann", row, with({block("eve")})), no_cell);
  EXPECT_EQ(roster.detail_for(find("ann"), eve, nullptr, {}, policy), Detail::nothing);
  // And when the user leaves memory and comes back in between.
  ASSERT_EQ(roster.evict(key("ann").partition(), 1), 1u);
  EXPECT_FALSE(is_viewer("eve"));
  const Cell other = user("other");
  ASSERT_NE(load("ann", row, with({block("eve")})), no_cell);
  EXPECT_EQ(roster.detail_for(find("ann"), eve, nullptr, {}, policy), Detail::nothing);
  EXPECT_EQ(detail("zoe", "ann"), Detail::full);
  roster.remove_if_blank(other);
}

// ---- a transaction's own view ----------------------------------------------

TEST_F(Visible, ATransactionSeesByItsNewRules) {
  be_there("ann");
  set_rules("ann", with({block("eve")}));
  roster.claim(find("ann"));
  std::vector<Wish> wishes = {*reserve_wish(region, to_set(rule(Audience::contacts)))};
  EXPECT_EQ(detail("eve", "ann", wishes), Detail::nothing);
  EXPECT_EQ(detail("zoe", "ann", wishes), Detail::nothing);
  EXPECT_EQ(detail("zoe", "ann"), Detail::full);
  // The last change counts; without any rules it is as if there never were some.
  wishes.push_back(*reserve_wish(region, to_set({})));
  EXPECT_EQ(detail("eve", "ann", wishes), Detail::full);
  EXPECT_EQ(seen("eve", "ann", wishes), as_it_is("ann", wishes));
  wishes.push_back(*reserve_wish(region, to_set(hidden("ann"))));
  EXPECT_EQ(seen("zoe", "ann", wishes).message, "hello");
  EXPECT_EQ(seen("zoe", "ann", wishes).status, Status::offline);
  Ask forget;
  forget.kind = ChangeKind::forget;
  wishes.push_back(*reserve_wish(region, forget));
  EXPECT_EQ(detail("zoe", "ann", wishes), Detail::full);
  for (Wish& wish : wishes) roster.free_wish(wish);
  roster.drop_claim(find("ann"));
  EXPECT_EQ(detail("eve", "ann"), Detail::nothing) << "nothing has changed";
}

TEST_F(Visible, ARollbackLeavesNothing) {
  be_there("ann");
  const uint32_t used = region.pool.used();
  GivenRules rules = with({contact("bea"), block(text_of(100), 0)}, hidden("ann"));
  rules.channel_rules = {{"room", {}}};
  auto wish = reserve_wish(region, to_set(rules));
  ASSERT_TRUE(wish);
  EXPECT_TRUE(is_viewer("bea"));
  EXPECT_EQ(related("bea"), Lines{}) << "nobody is found by what is not committed";
  roster.free_wish(*wish);
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_FALSE(is_viewer("bea"));
}

// ---- lists -----------------------------------------------------------------

TEST_F(Visible, AListForAViewerHasTheOpenOnesOnly) {
  for (const std::string_view id : {"ann", "bob", "cat", "dan", "eli", "fay"}) {
    now += second;
    be_there(id);
  }
  set_rules("bob", rule(Audience::everyone, Detail::status));
  set_rules("cat", rule(Audience::contacts));
  set_rules("dan", with({block("zoe"), contact("bea")}));
  set_rules("eli", with({contact("zoe", Detail::status), contact("bea")}));
  set_rules("fay", with({contact("zoe")}));
  EXPECT_EQ(listed("zoe"), (Lines{"fay", "ann"}));
  EXPECT_EQ(listed("bea"), (Lines{"fay", "eli", "dan", "ann"}));
  EXPECT_EQ(listed("bea", Status::online, 2), (Lines{"fay", "eli"}));
  EXPECT_EQ(veiled(), Lines{"bob"});
  EXPECT_EQ(counts_seen(), "5 online, 0 busy, 0 away");
  EXPECT_EQ(counts().online, 6u);
}

// A backend that has not read the new settings yet may put a user where it was by the old ones.
TEST_F(Visible, ListsGoByTheSettingAlsoWhereAUserLiesByTheOneBefore) {
  be_there("ann");
  be_there("bob");
  set_rules("bob", with({contact("bea")}));
  policy.default_audience = Audience::nobody;
  EXPECT_EQ(listed("zoe"), Lines{});
  EXPECT_EQ(listed("bea"), Lines{});
  policy.default_audience = Audience::everyone;
  EXPECT_EQ(listed("zoe").size(), 2u);
}

TEST_F(Visible, TheBestForAViewerAreBehindThoseWhoAreLeftOut) {
  const std::vector<std::string> ids = ids_in(3, 6);
  for (const std::string& id : ids) {
    now += second;
    be_there(id);
  }
  for (const std::size_t newest : {5, 4, 3}) set_rules(ids[newest], with({block("zoe")}));
  EXPECT_EQ(listed("zoe", Status::online, 2), (Lines{ids[2], ids[1]}));
  EXPECT_EQ(listed("bea", Status::online, 2), (Lines{ids[5], ids[4]}));
}

TEST_F(Visible, TheApplicationsListHasEverybodyInOrder) {
  const std::vector<std::string> ids = ids_in(3, 3);
  const GivenRules of_kinds[] = {
      rule(Audience::nobody), {}, rule(Audience::everyone, Detail::status)};
  for (std::size_t i = 0; i < ids.size(); i++) {
    now += second;
    be_there(ids[i]);
    set_rules(ids[i], of_kinds[i]);
  }
  std::vector<Candidate> room(10);
  ASSERT_EQ(roster.collect(0, 3, Status::online, nullptr, policy, forever_ago, room), 3u);
  for (std::size_t i = 0; i < 3; i++) EXPECT_EQ(room[i].id(), ids[2 - i]);
  EXPECT_EQ(roster.collect(0, 3, Status::online, nullptr, policy, now, room), 1u);
}

TEST_F(Visible, ListsFollowTheStatusWithinTheKind) {
  be_there("ann");
  be_there("bob");
  set_rules("ann", rule(Audience::everyone, Detail::status));
  set_rules("bob", rule(Audience::everyone, Detail::last_seen));
  choose("ann", Status::busy);
  choose("bob", Status::busy);
  EXPECT_EQ(veiled(Status::busy), Lines{"ann"});
  EXPECT_EQ(counts_seen(), "0 online, 1 busy, 0 away");
  commit("ann", ChangeKind::clear);
  now += 6 * minute;
  settle();
  EXPECT_EQ(veiled(Status::away), Lines{"ann"});
  EXPECT_EQ(counts_seen(), "0 online, 0 busy, 1 away");
  show("ann");
  EXPECT_EQ(veiled(Status::away), Lines{});
  EXPECT_EQ(listed("zoe", Status::away), Lines{"ann"});
}

TEST_F(Visible, ATouchOfSomebodyVeiledOrClosedKeepsTheOrder) {
  const std::vector<std::string> ids = ids_in(5, 3);
  for (const std::string& id : ids) {
    touch(id);
    set_rules(id, rule(Audience::nobody));
    now += second;
  }
  touch(ids[0]);
  std::vector<Candidate> room(3);
  ASSERT_EQ(roster.collect(0, 5, Status::online, nullptr, policy, forever_ago, room), 3u);
  EXPECT_EQ(room[0].id(), ids[0]);
  EXPECT_EQ(room[1].id(), ids[2]);
  EXPECT_EQ(listed("zoe"), Lines{});
  now += 5 * minute;
  settle();
  for (const std::string& id : ids) EXPECT_EQ(stored_status(id), Status::away);
}

TEST_F(Visible, AViewerFindsThoseWhoStandOtherwiseToIt) {
  set_rules("ann", with({contact("zoe")}));                            // as to anybody
  set_rules("bob", with({contact("zoe")}, rule(Audience::everyone)));  // the same
  set_rules("cat", with({contact("zoe")}, rule(Audience::contacts)));
  set_rules("dan", with({contact("zoe")}, rule(Audience::everyone, Detail::status)));  // the same
  set_rules("eli", with({block("zoe")}));
  set_rules("fay", with({contact("zoe", Detail::status)}));
  set_rules("gil", with({contact("bea", Detail::full)}, rule(Audience::nobody)));
  set_rules("hal", with({contact("zoe")}, rule(Audience::contacts)));
  for (const std::string_view id : {"ann", "bob", "cat", "dan", "eli", "fay", "gil"}) be_there(id);
  EXPECT_EQ(related("zoe"), (Lines{"cat", "eli", "fay"})) << "hal is not here";
  EXPECT_EQ(related("bea"), Lines{"gil"});
  EXPECT_EQ(related("eve"), Lines{});
  // And by the setting those without a rule.
  set_preset(Audience::contacts);
  EXPECT_EQ(related("zoe"), (Lines{"ann", "cat", "fay"})) << "eli is closed to everybody now";
  // More than there is room for are counted.
  const Viewer zoe{region.viewer_key(0, "zoe"), {}};
  std::size_t count = 0;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    count += roster.collect_related(partition, zoe, policy, nullptr, {});
  EXPECT_EQ(count, 3u);
  // Until they have nothing to do with it any more.
  set_preset(Audience::everyone);
  for (const std::string_view id : {"cat", "eli", "ann"}) show(id);
  EXPECT_EQ(related("zoe"), Lines{"fay"});
  for (const std::string_view id : {"dan", "fay", "bob", "hal"}) show(id);
  EXPECT_FALSE(is_viewer("zoe"));
}

TEST_F(Visible, OfManyRelationsThoseAreFoundWhoMayBeOnTheList) {
  for (int i = 0; i < 6; i++) {
    const std::string id = "user" + std::to_string(i);
    set_rules(id, with({contact("zoe")}, rule(Audience::contacts)));
    be_there(id);
    now += second;
  }
  set_rules("veil", with({contact("zoe", Detail::status)}, rule(Audience::nobody)));
  be_there("veil");
  const Viewer zoe{region.viewer_key(0, "zoe"), {}};
  std::array<Time, 2> best;
  Cutoffs cutoffs;
  cutoffs.of(Status::online).best = best;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster.find_related_cutoffs(partition, zoe, policy, cutoffs);
  EXPECT_EQ(related("zoe", &cutoffs), (Lines{"user4", "user5", "veil"}));
}

TEST_F(Visible, AViewersListStaysWholeInWhateverOrderItIsLeft) {
  const std::array ids = {"ann", "bob", "cat", "dan"};
  for (const char* id : ids) be_there(id);
  std::array<std::size_t, 4> order = {0, 1, 2, 3};
  do {
    for (const char* id : ids) set_rules(id, with({block("zoe")}));
    Lines left(ids.begin(), ids.end());
    for (const std::size_t number : order) {
      show(ids[number]);
      std::erase(left, ids[number]);
      ASSERT_EQ(related("zoe"), left);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(Visible, AViewerOfAnotherRealmIsAnother) {
  set_rules("ann", with({block("zoe")}));
  be_there("ann");
  Ask ask = to_set(with({contact("zoe", Detail::full)}));
  ask.realm = 1;
  const Cell other = user("ann", 1);
  roster.claim(other);
  auto wish = reserve_wish(region, ask);
  ASSERT_TRUE(wish);
  roster.grant(other, *wish, policy, now);
  roster.drop_claim(other);
  EXPECT_EQ(related("zoe"), Lines{"ann"});
  EXPECT_EQ(detail("zoe", "ann"), Detail::nothing);
  const Viewer elsewhere{region.viewer_key(1, "zoe"), {}};
  EXPECT_EQ(roster.detail_for(other, elsewhere, nullptr, {}, policy), Detail::full);
}

TEST_F(Visible, AGlanceIsWhatAListNeeds) {
  be_there("ann");
  set_rules("ann", with({contact("bea"), contact("cat", Detail::status), block("eve")},
                        rule(Audience::contacts)));
  EXPECT_EQ(glance("zoe", "ann").detail, Detail::nothing);
  EXPECT_EQ(glance("bea", "ann").detail, Detail::full);
  EXPECT_EQ(glance("cat", "ann").detail, Detail::status);
  EXPECT_EQ(glance("eve", "ann").detail, Detail::nothing);
  EXPECT_EQ(glance("ann", "ann").detail, Detail::full);
  for (const std::string_view who : {"zoe", "bea", "cat", "eve"}) {
    EXPECT_EQ(glance(who, "ann").status, Status::online) << "whoever may know it";
    EXPECT_EQ(glance(who, "ann").kind, UserKind::closed);
    EXPECT_EQ(glance(who, "ann").last_seen, now);
  }
  set_rules("ann", with({contact("bea", Detail::last_seen)}));
  EXPECT_EQ(glance("bea", "ann").detail, Detail::last_seen);
  EXPECT_EQ(glance("bea", "ann").kind, UserKind::open);
}

// ---- what everybody hears --------------------------------------------------

TEST_F(Visible, HidingIsGoingOfflineAndNothingIsHeardUntilOneShowsOneself) {
  be_there("ann");
  join("ann", "room");
  heard();
  hide("ann");
  EXPECT_EQ(heard(), (Lines{"ann online to offline", "ann left room (join)"}));
  EXPECT_EQ(heard(), Lines{});
  // While hidden.
  const auto expect_silence = [&](const char* after) { EXPECT_EQ(heard(), Lines{}) << after; };
  choose("ann", Status::busy, never, "secret");
  expect_silence("a choice");
  commit("ann", ChangeKind::set_message, "more secret");
  expect_silence("a message");
  set_data("ann", "desk ann", "secret");
  expect_silence("data");
  move("ann", "room", "secret");
  expect_silence("a cursor");
  set_state("ann", "room", "secret");
  expect_silence("a state");
  type("ann", "room");
  expect_silence("typing");
  now += 10 * second;
  expect_silence("no typing any more");
  join("ann", "hall");
  expect_silence("a join");
  leave("ann", "hall");
  expect_silence("a leave");
  commit("ann", ChangeKind::leave);
  expect_silence("a logout");
  touch("ann");
  join("ann", "room");
  move("ann", "room", "here");
  expect_silence("a return");
  // Then all is heard that is true. Of the cursor others have been told just now.
  show("ann");
  EXPECT_EQ(heard(), (Lines{"ann offline to online 'more secret' with secret", "ann joined room"}));
  now += second;
  EXPECT_EQ(heard(), Lines{"ann moved in room: here"});
}

TEST_F(Visible, ThoseWhoMayKnowAllHearEachChange) {
  be_there("ann");
  join("ann", "room");
  heard();
  hide("ann");
  heard_by_all();
  choose("ann", Status::busy);
  EXPECT_EQ(heard_by_all(), (Lines{"ann online to busy", "ann is busy in room (manual)"}));
  EXPECT_EQ(public_news_, Lines{});
  leave("ann", "room");
  EXPECT_EQ(heard_by_all(), Lines{"ann left room (leave)"});
  EXPECT_EQ(public_news_, Lines{});
}

TEST_F(Visible, HidingAndShowingWithinATickIsNothing) {
  be_there("ann");
  hide("ann");
  show("ann");
  EXPECT_EQ(heard(), Lines{});
  hide("ann");
  heard();
  show("ann");
  hide("ann");
  EXPECT_EQ(heard(), Lines{});
}

TEST_F(Visible, GoingOfflineWhileHidingIsHeardOnce) {
  be_there("ann");
  hide("ann");
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(heard(), Lines{"ann online to offline"});
  show("ann");
  EXPECT_EQ(heard(), Lines{});
  touch("ann");
  EXPECT_EQ(heard(), Lines{"ann offline to online 'hello' with blue"});
}

TEST_F(Visible, RulesOfSomebodyOfflineAreNoNews) {
  be_there("ann");
  commit("ann", ChangeKind::leave);
  heard();
  hide("ann");
  EXPECT_EQ(heard_by_all(), Lines{});
  touch("ann");
  EXPECT_EQ(heard(), Lines{});
  show("ann");
  EXPECT_EQ(heard(), Lines{"ann offline to online 'hello' with blue"});
}

TEST_F(Visible, WithABlockAnywhereEverybodyHearsNothing) {
  be_there("ann");
  set_rules("ann", with({block("eve"), contact("bea", Detail::full)}));
  EXPECT_EQ(heard(), Lines{"ann online to offline"}) << "anybody may listen, eve as well";
  EXPECT_EQ(detail("zoe", "ann"), Detail::full);
  choose("ann", Status::busy);
  EXPECT_EQ(heard(), Lines{});
  set_rules("ann", with({contact("bea", Detail::full)}));
  EXPECT_EQ(heard(), Lines{"ann offline to busy 'hello' with blue"});
}

TEST_F(Visible, EverybodyHearsTheLeastThatAnyoneSees) {
  be_there("ann");
  set_rules("ann", with({contact("bea", Detail::full), contact("cat", Detail::status)}));
  EXPECT_EQ(heard(), Lines{"ann online to online by status"});
  commit("ann", ChangeKind::set_message, "secret");
  EXPECT_EQ(heard(), Lines{});
  choose("ann", Status::busy);
  EXPECT_EQ(heard(), Lines{"ann online to busy by status"});
  set_rules("ann", with({contact("cat", Detail::last_seen)}));
  EXPECT_EQ(heard(), Lines{"ann busy to offline by last_seen"});
}

TEST_F(Visible, BetweenFullAndStatusThereIsANewWordForIt) {
  be_there("ann");
  join("ann", "room");
  move("ann", "room", "here");
  heard();
  now += second;
  settle();
  set_rules("ann", rule(Audience::everyone, Detail::status));
  EXPECT_EQ(heard(), (Lines{"ann online to online by status", "ann is online in room (manual)",
                            "ann is updated in room: blue"}));
  EXPECT_EQ(news_.detail, Detail::status);
  move("ann", "room", "there");
  now += second;
  EXPECT_EQ(heard(), Lines{}) << "a cursor is more than a status";
  set_rules("ann", rule(Audience::everyone));
  EXPECT_EQ(heard(), (Lines{"ann online to online 'hello' with blue",
                            "ann is online in room (manual)", "ann is updated in room: blue"}));
  now += second;
  EXPECT_EQ(heard(), Lines{"ann moved in room: there"}) << "it was told to others just now";
}

TEST_F(Visible, AChannelMayKnowMoreOrLessThanTheWorld) {
  be_there("ann");
  GivenRules rules = rule(Audience::nobody);
  rules.channel_rules = {{"room", {Audience::everyone, Detail::full}}};
  set_rules("ann", rules);
  EXPECT_EQ(heard(), Lines{"ann online to offline"});
  join("ann", "room");
  join("ann", "hall");
  EXPECT_EQ(heard(), Lines{"ann joined room"});
  choose("ann", Status::busy);
  EXPECT_EQ(heard(), Lines{"ann is busy in room (manual)"});
  rules = {};
  rules.channel_rules = {{"room", {Audience::channel, Detail::full}}};
  set_rules("ann", rules);
  EXPECT_EQ(heard(), (Lines{"ann offline to busy 'hello' with blue", "ann joined hall",
                            "ann left room (join)"}));
}

TEST_F(Visible, NewsOfAMemberSayWhoseAudienceItIs) {
  be_there("ann");
  join("ann", "room");
  GivenRules rules = rule(Audience::contacts);
  rules.channel_rules = {{"room", {Audience::channel, Detail::status}}};
  set_rules("ann", rules);
  heard();
  EXPECT_EQ(news_.audience, Audience::channel);
  EXPECT_EQ(news_.detail, Detail::nothing);
  EXPECT_EQ(news_.of_user, Detail::nothing);
  rules.channel_rules = {{"room", {Audience::everyone, Detail::status}}};
  set_rules("ann", rules);
  EXPECT_EQ(heard(), Lines{"ann joined room"});
  EXPECT_EQ(news_.detail, Detail::status);
  EXPECT_EQ(news_.of_user, Detail::nothing);
  set_rules("ann", rule(Audience::contacts));
  heard();
  EXPECT_EQ(news_.audience, Audience::contacts);
}

TEST_F(Visible, AChannelThatMayKnowLastSeenAloneHearsNothing) {
  be_there("ann");
  GivenRules rules;
  rules.channel_rules = {{"room", {Audience::everyone, Detail::last_seen}}};
  set_rules("ann", rules);
  join("ann", "room");
  type("ann", "room");
  move("ann", "room", "here");
  EXPECT_EQ(heard(), Lines{});
}

TEST_F(Visible, AChannelThatMayKnowTheStatusHearsOfNoMessage) {
  be_there("ann");
  join("ann", "room");
  set_rules("ann", rule(Audience::everyone, Detail::status));
  heard();
  commit("ann", ChangeKind::set_message, "secret");
  EXPECT_EQ(heard(), Lines{});
  choose("ann", Status::busy);
  EXPECT_EQ(heard(), (Lines{"ann online to busy by status", "ann is busy in room (manual)"}));
}

TEST_F(Visible, WhoShowsItselfInAChannelSaysWhereItIsAndHowItDoes) {
  be_there("ann");
  hide("ann");
  join("ann", "room");
  move("ann", "room", "here");
  set_state("ann", "room", "raised hand");
  for (int round = 0; round < 3; round++) {
    now += second;
    EXPECT_EQ(heard(), round == 0 ? Lines{"ann online to offline"} : Lines{});
  }
  show("ann");
  Lines lines;
  for (int round = 0; round < 3; round++) {
    now += second;
    const Lines more = heard();
    lines.insert(lines.end(), more.begin(), more.end());
  }
  EXPECT_EQ(lines.size(), 4u);
  for (const char* line : {"ann offline to online 'hello' with blue", "ann joined room",
                           "ann moved in room: here", "ann set its state in room: raised hand"})
    EXPECT_EQ(std::count(lines.begin(), lines.end(), line), 1) << line;
}

TEST_F(Visible, NewsSayWhoseAudienceItIs) {
  be_there("ann");
  set_rules("ann", rule(Audience::contacts, Detail::status));
  heard_by_all();
  EXPECT_EQ(user_news_.audience, Audience::contacts);
  EXPECT_EQ(user_news_.detail, Detail::nothing);
  EXPECT_EQ(user_news_.told_detail, Detail::full);
  show("ann");
  heard_by_all();
  EXPECT_EQ(user_news_.audience, Audience::everyone);
}

TEST_F(Visible, ANewSettingIsToldOfThoseWhoHaveNoRule) {
  be_there("ann");
  be_there("bob");
  set_rules("bob", rule(Audience::everyone));
  join("ann", "room");
  heard();
  set_preset(Audience::contacts);
  EXPECT_EQ(heard(), (Lines{"ann online to offline", "ann left room (join)"}));
  EXPECT_EQ(listed("zoe"), Lines{"bob"});
  set_preset(Audience::everyone);
  EXPECT_EQ(heard(), (Lines{"ann offline to online 'hello' with blue", "ann joined room"}));
  EXPECT_EQ(listed("zoe").size(), 2u);
}

// A statement goes by the settings that it began with; the lists by those that were applied.
TEST_F(Visible, NobodyIsListedByASettingOfBefore) {
  be_there("ann");
  set_preset(Audience::contacts);
  policy.default_audience = Audience::everyone;
  touch("bob");
  choose("ann", Status::busy);
  policy.default_audience = Audience::contacts;
  Counts counts;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster.count_seen(0, partition, counts);
  EXPECT_EQ(counts.total(), 0u);
  EXPECT_EQ(listed("zoe"), Lines{});
}

TEST_F(Visible, WhereTheApplicationDecidesNothingIsPublic) {
  be_there("ann");
  join("ann", "room");
  heard();
  has_rules_ = true;
  policy.application_decides = true;
  reschedule();
  EXPECT_EQ(heard(), (Lines{"ann online to offline", "ann left room (join)"}));
  choose("ann", Status::busy);
  EXPECT_EQ(heard(), Lines{});
  touch("bob");
  EXPECT_EQ(heard_by_all(), Lines{"bob offline to online"});
  EXPECT_FALSE(user_news_.everybody_hears);
  policy.application_decides = false;
  reschedule();
  EXPECT_EQ(heard(), (Lines{"ann offline to busy 'hello' with blue", "bob offline to online",
                            "ann joined room"}));
}

TEST_F(Visible, ChangingTheRulesWritesNoRow) {
  be_there("ann");
  write_all();
  hide("ann");
  heard();
  EXPECT_EQ(persist("ann"), Persist::current);
  set_preset(Audience::nobody);
  show("ann");
  heard();
  EXPECT_EQ(persist("ann"), Persist::current);
  // But what waits for its row does so after that.
  choose("ann", Status::busy, now + minute);
  now += minute;
  settle();
  hide("ann");
  heard();
  EXPECT_EQ(persist("ann"), Persist::waiting);
  set_preset(Audience::everyone);
  show("ann");
  heard();
  EXPECT_EQ(persist("ann"), Persist::waiting);
}

TEST_F(Visible, TheWordsOfAReasonStayUntilTheRowHasThem) {
  be_there("ann");
  Ask busy;
  busy.kind = ChangeKind::say;
  busy.status = Status::busy;
  busy.session = "desk ann";
  busy.reason = Reason::custom;
  busy.reason_text = "in a meeting";
  commit("ann", busy);
  heard();
  ASSERT_EQ(persist("ann"), Persist::waiting);
  hide("ann");
  heard();
  EXPECT_EQ(view("ann").reason_name(), "in a meeting");
}

// A touch looks at nothing but the user, of whatever kind it is.
TEST_F(Visible, ATouchOfSomebodyClosedCostsWhatOneOfOthersDoes) {
  set_preset(Audience::nobody);
  touch("ann");
  EXPECT_TRUE(stored("ann").lives_on_touches);
  connect("bob", "desk");
  const Time due = stored("bob").due;
  now += minute;
  touch_in("bob", "desk");
  EXPECT_EQ(stored("bob").due, due) << "what is due is put off when its moment comes";
  EXPECT_EQ(view("bob").last_seen, now);
}

// ---- coming and going ------------------------------------------------------

TEST_F(Visible, WhoIsEvictedAndLoadedIsSeenAsBefore) {
  be_there("ann");
  commit("ann", ChangeKind::leave);
  GivenRules rules =
      with({contact("bea", Detail::status), block("eve", 1)}, rule(Audience::nobody));
  rules.shown = {as_of_now("ann"), as_of_now("ann", Detail::status)};
  for (GivenShown& one : rules.shown) one.is_new = false;
  rules.shown[1].last_seen -= minute;
  rules.to_strangers = 0;
  set_rules("ann", rules);
  write_all();
  const Seen zoe = seen("zoe", "ann"), bea = seen("bea", "ann"), eve = seen("eve", "ann");
  const UserView row = view("ann");
  ASSERT_EQ(roster.evict(key("ann").partition(), 1), 1u);
  EXPECT_FALSE(is_viewer("bea"));
  Row loaded;
  loaded.last_seen = row.last_seen;
  loaded.data = row.data();
  loaded.page = row.page();
  loaded.activity_count = row.activity_count;
  loaded.choices.layers[0] = {Status::offline, never, never, "hello"};
  loaded.choices.count = 1;
  ASSERT_NE(load("ann", loaded, rules), no_cell);
  EXPECT_EQ(seen("zoe", "ann"), zoe);
  EXPECT_EQ(seen("bea", "ann"), bea);
  EXPECT_EQ(seen("eve", "ann"), eve);
  EXPECT_TRUE(is_viewer("eve"));
  touch("ann");
  EXPECT_EQ(heard(), Lines{});
  EXPECT_EQ(listed("zoe"), Lines{});
}

TEST_F(Visible, WhoIsLoadedOnlineIsInTheListOfItsKind) {
  Row row;
  row.status = Status::online;
  row.last_seen = now;
  row.session_ends_at = now + 90 * second;
  ASSERT_NE(load("ann", row, rule(Audience::everyone, Detail::status)), no_cell);
  ASSERT_NE(load("bob", row, rule(Audience::nobody)), no_cell);
  ASSERT_NE(load("cat", row, {}), no_cell);
  EXPECT_EQ(veiled(), Lines{"ann"});
  EXPECT_EQ(listed("zoe"), Lines{"cat"});
  EXPECT_EQ(counts_seen(), "2 online, 0 busy, 0 away");
  // Listeners of the last run know as much as the rules let them.
  now += 90 * second;
  EXPECT_EQ(heard(), (Lines{"ann online to offline by status", "cat online to offline"}));
}

TEST_F(Visible, WhoIsForgottenHasNoRulesAnyMore) {
  be_there("ann");
  set_rules("ann", with({block("eve")}, hidden("ann")));
  heard();
  commit("ann", ChangeKind::forget);
  EXPECT_FALSE(is_viewer("eve"));
  EXPECT_EQ(heard(), Lines{}) << "to everybody it went when it hid";
  EXPECT_EQ(find("ann"), no_cell);
  touch("ann");
  EXPECT_EQ(heard(), Lines{"ann offline to online"});
}

TEST_F(Visible, WhoComesBackBeforeItsForgettingIsToldIsOpen) {
  be_there("ann");
  hide("ann");
  heard();
  commit("ann", ChangeKind::forget);
  touch("ann");
  EXPECT_EQ(heard(), Lines{"ann offline to online"});
}

TEST_F(Visible, WhoComesBackBeforeItsForgettingIsToldHasNoDataAnyMore) {
  be_there("ann");
  commit("ann", ChangeKind::set_message, "");
  heard();
  commit("ann", ChangeKind::forget);
  touch("ann");
  EXPECT_EQ(heard(), Lines{"ann online to online"});
}

TEST_F(Visible, RulesAloneKeepAUserWithoutAnythingElse) {
  set_rules("ann", with({block("eve")}));
  EXPECT_FALSE(roster.remove_if_blank(find("ann")));
  EXPECT_EQ(detail("eve", "ann"), Detail::nothing);
  show("ann");
  EXPECT_TRUE(take_announcement(key("ann").partition()))
      << "whoever may know everything hears of it";
  EXPECT_EQ(find("ann"), no_cell) << "nothing is known of it any more";
}

TEST_F(Visible, AResetLeavesNoRules) {
  be_there("ann");
  be_there("bob");
  set_rules("ann", with({block("eve"), contact("bea")}, hidden("ann")));
  set_rules("bob", with({block("eve")}));
  roster.claim(find("bob"));
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (!roster.blank_all(0, partition, 1)) {
    }
  EXPECT_EQ(find("ann"), no_cell);
  EXPECT_EQ(detail("eve", "bob"), Detail::full);
  EXPECT_FALSE(is_viewer("eve"));
  EXPECT_FALSE(is_viewer("bea"));
  roster.drop_claim(find("bob"));
  touch("bob");
  EXPECT_EQ(heard(), Lines{"bob offline to online"});
}

TEST_F(Visible, TheEndOfARealmLeavesNoViewer) {
  const uint32_t used = region.pool.used();
  for (const std::string_view id : {"ann", "bob", "cat"}) {
    be_there(id);
    set_rules(id, with({block("eve"), contact("bea"), contact("ann")}, hidden(id)));
  }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (!roster.remove_all(0, partition, 1)) {
    }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    region.channels.forget_news(0, partition);
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_FALSE(is_viewer("eve"));
}

// Whoever lives on touches does not when it gets rules, and its last activity stays.
TEST_F(Visible, RulesKeepTheActivityOfWhoLivesOnTouches) {
  touch("ann");
  now += minute;
  touch("ann");
  now += minute;
  set_rules("ann", rule(Audience::nobody));
  EXPECT_EQ(view("ann").last_seen, now - minute);
  EXPECT_EQ(next_due(), now + 4 * minute);
  now += minute;
  touch("ann");
  show("ann");
  EXPECT_EQ(next_due(), now + 5 * minute);
  now += minute;
  touch("ann");
  EXPECT_EQ(view("ann").last_seen, now);
  now += 5 * minute;
  settle();
  EXPECT_EQ(stored_status("ann"), Status::away);
}

TEST_F(Visible, SettingRulesIsNoActivity) {
  be_there("ann");
  now += 6 * minute;
  hide("ann");
  EXPECT_EQ(stored_status("ann"), Status::away);
  EXPECT_EQ(view("ann").last_seen, now - 6 * minute);
  EXPECT_EQ(view("ann").activity_count, 1u);
}

// ---- full ------------------------------------------------------------------

class VisibleFull : public Visible {
 protected:
  VisibleFull() : Visible({60, 2, 1}) {}

  static GivenRules many_rules() {
    GivenRules rules = rule(Audience::contacts, Detail::status);
    for (int i = 0; i < 8; i++)
      rules.channel_rules.emplace_back("room" + std::to_string(i), Rule{});
    for (int i = 0; i < 6; i++)
      rules.relations.push_back({text_of(i == 3 ? 100 : 3, static_cast<char>('a' + i)), true, false,
                                 Detail::nothing, i % 3});
    rules.shown = {{Detail::full, 1, 2, "hello", never, text_of(130)},
                   {Detail::full, 1, 2, text_of(130), never, {}},
                   {}};
    rules.to_strangers = 1;
    rules.to_contacts = 1;
    return rules;
  }
};

TEST_F(VisibleFull, RulesThatFindNoCellLeaveNothingWhereverItWas) {
  const GivenRules rules = many_rules();
  RulesAsFacts facts(rules);
  const uint32_t needed = cells_of_rules(region, 0, rules);
  EXPECT_EQ(needed, 1u + 2 + 2 + 3 + 3 + 2 + 6 + 1);
  for (uint32_t free = 0; free < needed; free++) {
    std::vector<Cell> taken;
    while (region.pool.count() - region.pool.used() > free) taken.push_back(region.pool.take());
    EXPECT_FALSE(roster.make_visibility(0, facts.facts)) << free;
    EXPECT_EQ(region.pool.count() - region.pool.used(), free);
    for (const Cell cell : taken) region.pool.give(cell);
    ASSERT_EQ(region.pool.used(), 0u) << free;
    for (const GivenRelation& one : rules.relations) EXPECT_FALSE(is_viewer(one.viewer));
  }
  const auto made = roster.make_visibility(0, facts.facts);
  ASSERT_TRUE(made);
  EXPECT_EQ(region.pool.used(), needed);
  EXPECT_EQ(find_problem(region, 0, 0, policy, {&*made, 1}), "");
  roster.free_visibility(*made);
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(VisibleFull, ALoadThatFindsNoCellForTheRulesLeavesNothing) {
  const GivenRules rules = many_rules();
  Row row;
  row.status = Status::online;
  row.last_seen = now;
  const uint32_t needed = cells_of_rules(region, 0, rules) + 3;
  for (uint32_t free = 0; free < needed; free++) {
    std::vector<Cell> taken;
    while (region.pool.count() - region.pool.used() > free) taken.push_back(region.pool.take());
    EXPECT_EQ(load("ann", row, rules), no_cell) << free;
    for (const Cell cell : taken) region.pool.give(cell);
    ASSERT_EQ(region.pool.used(), 0u) << free;
  }
  EXPECT_NE(load("ann", row, rules), no_cell);
  EXPECT_EQ(region.pool.used(), needed);
}

TEST_F(VisibleFull, ACommitOfRulesNeedsNothing) {
  touch("ann");
  roster.claim(find("ann"));
  auto wish = reserve_wish(region, to_set(many_rules()));
  ASSERT_TRUE(wish);
  while (const Cell cell = region.pool.take()) held += cell != no_cell;
  roster.grant(find("ann"), *wish, policy, now);
  roster.drop_claim(find("ann"));
  has_rules_ = true;
  EXPECT_EQ(detail("zoe", "ann"), Detail::nothing);
  EXPECT_EQ(detail("aaa", "ann"), Detail::status);
}

TEST_F(VisibleFull, AViewerWhomSomebodyNamesAlreadyTakesNoCell) {
  const GivenRules rules = with({contact("bea"), contact("cat")});
  set_rules("ann", rules);
  EXPECT_EQ(cells_of_rules(region, 0, rules), 2u);
  const uint32_t used = region.pool.used();
  set_rules("ann", rules);
  EXPECT_EQ(region.pool.used(), used);
  set_rules("bob", rules);
  EXPECT_EQ(region.pool.used(), used + 4) << "the user, its extras, and the rules";
}

TEST_F(VisibleFull, FactsThatSayNothingAreNoRules) {
  RulesAsFacts facts{GivenRules{}};
  const auto made = roster.make_visibility(0, facts.facts);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, no_cell);
  roster.free_visibility(no_cell);
}

}  // namespace
}  // namespace presence::test
