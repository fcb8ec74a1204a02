// choices_test.cpp: what a user chose, over what it chose before. DESIGN.md, section 3.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/status.h"

namespace presence {
namespace {

// Messages are handles; whoever keeps texts is not here.
constexpr TextHandle none = 0, hello = 1, lunch = 2, call = 3, other = 4;

class ChoicesTest : public testing::Test {
 protected:
  void choose(Status status, Time until = never, GivenMessage message = std::nullopt) {
    choose_status(choices, status, until, message, dropped);
  }
  void say(GivenMessage message, Time until = never) {
    choose_message(choices, message, until, dropped);
  }
  void be_automatic(GivenMessage message = std::nullopt) {
    choose_automatic(choices, message, never, dropped);
  }
  void expire_at(Time now) { expire(choices, now, dropped); }

  Status status() const { return choices.top.status; }
  TextHandle message() const { return choices.top.message; }
  bool was_dropped(TextHandle handle) const {
    return std::count(dropped.handles.begin(), dropped.handles.begin() + dropped.count, handle) ==
           1;
  }

  Choices choices;
  DroppedTexts dropped;
};

// ---- the choice in force ---------------------------------------------------

TEST_F(ChoicesTest, NothingIsChosenAtFirst) {
  EXPECT_TRUE(choices.empty());
  EXPECT_EQ(choices.next_change(), never);
}

TEST_F(ChoicesTest, AChoiceWithoutAnEndStays) {
  choose(Status::busy);
  expire_at(never - 1);
  EXPECT_EQ(status(), Status::busy);
  EXPECT_EQ(choices.next_change(), never);
}

TEST_F(ChoicesTest, AChoiceExpiresAtItsMoment) {
  choose(Status::busy, 10);
  EXPECT_EQ(choices.next_change(), 10);
  expire_at(9);
  EXPECT_EQ(status(), Status::busy);
  expire_at(10);
  EXPECT_EQ(status(), Status::offline);
  EXPECT_TRUE(choices.empty());
}

TEST_F(ChoicesTest, AnEarlierUnexpiredChoiceComesBack) {
  choose(Status::away);
  choose(Status::busy, 10);
  expire_at(10);
  EXPECT_EQ(status(), Status::away);
  EXPECT_EQ(choices.next_change(), never);
}

TEST_F(ChoicesTest, AnEarlierChoiceThatExpiresSoonerDoesNotComeBack) {
  choose(Status::away, 5);
  choose(Status::busy, 10);
  EXPECT_EQ(choices.depth, 0);
  expire_at(10);
  EXPECT_EQ(status(), Status::offline);
}

TEST_F(ChoicesTest, AChoiceThatExpiresAtTheSameMomentDoesNotComeBack) {
  choose(Status::away, 10);
  choose(Status::busy, 10);
  expire_at(10);
  EXPECT_EQ(status(), Status::offline);
}

TEST_F(ChoicesTest, NorDoesOneBelow) {
  choose(Status::away, 10, hello);
  choose(Status::busy, 5);
  choose(Status::away, 10);
  EXPECT_EQ(choices.depth, 0);
}

TEST_F(ChoicesTest, SeveralComeBackOneAfterTheOther) {
  choose(Status::away);
  choose(Status::busy, 30);
  choose(Status::away, 20);
  choose(Status::busy, 10);
  expire_at(10);
  EXPECT_EQ(choices.top.until, 20);
  expire_at(20);
  EXPECT_EQ(choices.top.until, 30);
  expire_at(30);
  EXPECT_EQ(choices.top.until, never);
  EXPECT_EQ(status(), Status::away);
}

TEST_F(ChoicesTest, SeveralThatExpiredMeanwhileArePassedOver) {
  choose(Status::away);
  choose(Status::busy, 30);
  choose(Status::busy, 20);
  choose(Status::busy, 10);
  expire_at(35);
  EXPECT_EQ(status(), Status::away);
}

TEST_F(ChoicesTest, AChoiceWithoutAnEndForgetsTheEarlierOnes) {
  choose(Status::busy, 30, hello);
  choose(Status::busy, 20, lunch);
  choose(Status::away, never, call);
  EXPECT_EQ(choices.depth, 0);
  EXPECT_TRUE(was_dropped(hello));
  EXPECT_TRUE(was_dropped(lunch));
  EXPECT_EQ(message(), call);
}

TEST_F(ChoicesTest, DeeperThanThreeTheOldestIsForgotten) {
  choose(Status::away, 50, hello);
  for (const Time until : {40, 30, 20, 10}) choose(Status::busy, until);
  EXPECT_EQ(choices.depth, Choices::max_earlier);
  for (const Time at : {10, 20, 30}) expire_at(at);
  EXPECT_EQ(choices.top.until, 40);
  expire_at(40);
  EXPECT_EQ(status(), Status::offline);
}

// ---- no choice -------------------------------------------------------------

TEST_F(ChoicesTest, OnlineTakesAllChoicesAway) {
  choose(Status::away, 50, hello);
  choose(Status::busy, 10, lunch);
  be_automatic();
  EXPECT_EQ(status(), Status::offline);
  EXPECT_EQ(choices.depth, 0);
  EXPECT_TRUE(was_dropped(hello));
  EXPECT_EQ(message(), lunch) << "NULL keeps the message";
}

TEST_F(ChoicesTest, OnlineWithAMessageReplacesIt) {
  choose(Status::busy, 10, lunch);
  be_automatic(hello);
  EXPECT_EQ(message(), hello);
  EXPECT_EQ(choices.top.message_until, never);
  EXPECT_TRUE(was_dropped(lunch));
}

// ---- messages --------------------------------------------------------------

TEST_F(ChoicesTest, NullKeepsTheMessage) {
  say(hello);
  choose(Status::busy);
  EXPECT_EQ(message(), hello);
  EXPECT_EQ(dropped.count, 0);
}

TEST_F(ChoicesTest, TheEmptyMessageClears) {
  say(hello);
  choose(Status::busy, never, none);
  EXPECT_EQ(message(), none);
  EXPECT_TRUE(was_dropped(hello));
}

TEST_F(ChoicesTest, AMessageGoesWithItsChoiceAndTheEarlierComesBack) {
  say(hello);
  choose(Status::busy, 10, lunch);
  EXPECT_EQ(message(), lunch);
  expire_at(10);
  EXPECT_EQ(message(), hello);
  EXPECT_TRUE(was_dropped(lunch));
  EXPECT_EQ(status(), Status::offline);
}

TEST_F(ChoicesTest, AKeptMessageOutlivesTheChoice) {
  say(hello);
  choose(Status::busy, 10);
  expire_at(10);
  EXPECT_EQ(message(), hello);
  EXPECT_EQ(dropped.count, 0);
}

TEST_F(ChoicesTest, AClearedMessageComesBackWithTheEarlierChoice) {
  choose(Status::away, never, hello);
  choose(Status::busy, 10, none);
  EXPECT_EQ(message(), none);
  expire_at(10);
  EXPECT_EQ(message(), hello);
}

TEST_F(ChoicesTest, AMessageHasAnEndOfItsOwn) {
  choose(Status::busy);
  say(lunch, 5);
  EXPECT_EQ(choices.next_change(), 5);
  expire_at(5);
  EXPECT_EQ(message(), none);
  EXPECT_EQ(status(), Status::busy);
  EXPECT_TRUE(was_dropped(lunch));
}

TEST_F(ChoicesTest, AMessageAloneIsAChoiceToKeep) {
  say(hello);
  EXPECT_FALSE(choices.empty());
  say(none);
  EXPECT_TRUE(choices.empty());
}

TEST_F(ChoicesTest, ANewEndForTheOldMessage) {
  say(hello);
  say(std::nullopt, 7);
  EXPECT_EQ(message(), hello);
  expire_at(7);
  EXPECT_EQ(message(), none);
}

TEST_F(ChoicesTest, AMessageSetMeanwhileStaysWhenTheChoiceExpires) {
  choose(Status::away, never, hello);
  choose(Status::busy, 10, lunch);
  say(call);
  expire_at(10);
  EXPECT_EQ(status(), Status::away);
  EXPECT_EQ(message(), call);
  EXPECT_TRUE(was_dropped(hello));
  EXPECT_TRUE(was_dropped(lunch));
}

TEST_F(ChoicesTest, AMessageThatExpiredBelowDoesNotComeBack) {
  say(hello, 5);
  choose(Status::busy, 10, lunch);
  expire_at(10);
  EXPECT_EQ(message(), none);
  EXPECT_TRUE(choices.empty());
  EXPECT_TRUE(was_dropped(hello));
}

TEST_F(ChoicesTest, TheSameMessageAgainIsNotDropped) {
  say(hello);
  say(hello, 9);
  EXPECT_EQ(message(), hello);
  EXPECT_EQ(dropped.count, 0);
}

TEST_F(ChoicesTest, EveryTextIsHeldOrDroppedOnce) {
  // Given as many texts as choices can hold, and each way of letting go of them.
  for (const Time end : {Time{15}, never}) {
    choices = Choices{};
    dropped = DroppedTexts{};
    choose(Status::away, 50, hello);
    choose(Status::busy, 40, lunch);
    choose(Status::away, 30, call);
    choose(Status::busy, 20, other);
    EXPECT_EQ(dropped.count, 0);
    choose(Status::away, end, TextHandle{5});
    const int held = 1 + choices.depth;
    EXPECT_EQ(held + dropped.count, 5);
    expire_at(100);
    be_automatic(none);
    EXPECT_EQ(dropped.count, 5);
  }
}

}  // namespace
}  // namespace presence
