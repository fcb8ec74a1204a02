// roster_order_test.cpp: counting, and who comes first.
#include "roster_fixture.h"

#include <algorithm>
#include <random>

namespace presence::test {
namespace {

class RosterOrder : public RosterTest {
 protected:
  // As presence_online_users does it: the cutoff over all partitions, then whoever is not below.
  std::vector<std::string> best(Status status, std::size_t limit, Time not_before = forever_ago) {
    std::vector<Time> room(limit);
    Cutoff cutoff{room, 0, not_before};
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.find_cutoff(0, partition, status, nullptr, policy, cutoff);
    if (cutoff.count == limit && limit > 0) not_before = std::max(not_before, room[0]);
    std::vector<std::pair<Time, std::string>> found;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      Candidate candidates[200];
      const std::size_t count =
          roster.collect(0, partition, status, nullptr, policy, not_before, candidates);
      for (std::size_t i = 0; i < count; i++)
        found.emplace_back(-candidates[i].last_seen, std::string(candidates[i].id()));
    }
    std::sort(found.begin(), found.end());
    if (found.size() > limit) found.resize(limit);
    std::vector<std::string> ids;
    for (const auto& [last_seen, id] : found) ids.push_back(id);
    return ids;
  }
};

TEST_F(RosterOrder, CountsByStatus) {
  for (int i = 0; i < 30; i++) {
    const std::string id = "user" + std::to_string(i);
    if (i % 3 == 0) touch(id);
    if (i % 3 == 1) choose(id, Status::busy, i % 2 == 0 ? never : now + minute);
    if (i % 5 == 0) choose(id, Status::away);
  }
  // 0, 5, 10, 15, 20, 25 are away; of the others those divisible by three are online.
  EXPECT_EQ(counts().away, 6u);
  EXPECT_EQ(counts().online, 8u);
  EXPECT_EQ(counts().busy, 8u);
  now += 30 * minute;
  settle();
  EXPECT_EQ(counts().online + counts().busy + counts().away, 0u);
}

TEST_F(RosterOrder, TheNewestComeFirst) {
  for (const char* id : {"a", "b", "c", "d"}) {
    touch(id);
    now += second;
  }
  touch("b");
  EXPECT_EQ(best(Status::online, 10), (std::vector<std::string>{"b", "d", "c", "a"}));
  EXPECT_EQ(best(Status::online, 2), (std::vector<std::string>{"b", "d"}));
}

TEST_F(RosterOrder, ATouchMovesItsUserToTheHead) {
  const std::vector<std::string> ids = ids_in(4, 4);
  for (const std::string& id : ids) touch(id);
  for (const std::size_t next : {2u, 0u, 0u, 3u, 1u, 2u}) {
    now += second;
    touch(ids[next]);
    Candidate room[4];
    ASSERT_EQ(roster.collect(0, 4, Status::online, nullptr, policy, forever_ago, room), 4u);
    EXPECT_EQ(room[0].id(), ids[next]);
  }
}

TEST_F(RosterOrder, ChosenAndAutomaticExpiringAndNotAreOneOrder) {
  touch("automatic");  // goes away at 5 minutes
  now += second;
  choose("chosen", Status::away);
  now += second;
  choose("expiring", Status::away, now + 60 * minute);
  now += second;
  touch("another");
  now = start + 5 * minute + 3 * second;
  settle();
  EXPECT_EQ(best(Status::away, 10),
            (std::vector<std::string>{"another", "expiring", "chosen", "automatic"}));
  EXPECT_EQ(best(Status::away, 1), (std::vector<std::string>{"another"}));
}

TEST_F(RosterOrder, OfThoseSeenAtTheSameMomentAllAreCollected) {
  for (int i = 0; i < 50; i++) touch("user" + std::to_string(i));
  const std::vector<std::string> first = best(Status::online, 10);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(first[0], "user0");
  EXPECT_EQ(first[1], "user1");
  EXPECT_EQ(first[2], "user10") << "the ids decide, whatever the partition";
}

TEST_F(RosterOrder, NotBeforeAMoment) {
  for (const char* id : {"a", "b", "c"}) {
    touch(id);
    now += minute;
  }
  EXPECT_EQ(best(Status::online, 10, start + minute), (std::vector<std::string>{"c", "b"}));
  EXPECT_EQ(best(Status::online, 1, start + minute), (std::vector<std::string>{"c"}));
  EXPECT_TRUE(best(Status::online, 10, now).empty());
}

TEST_F(RosterOrder, NobodyIsAskedFor) {
  touch("a");
  EXPECT_TRUE(best(Status::online, 0).empty());
}

TEST_F(RosterOrder, CollectSaysHowManyThereAreWhenThereIsNoRoom) {
  const std::vector<std::string> ids = ids_in(4, 5);
  for (const std::string& id : ids) touch(id);
  Candidate room[2];
  EXPECT_EQ(roster.collect(0, 4, Status::online, nullptr, policy, forever_ago, room), 5u);
  EXPECT_EQ(roster.collect(0, 4, Status::online, nullptr, policy, forever_ago, {}), 5u);
  EXPECT_EQ(room[0].last_seen, now);
}

TEST_F(RosterOrder, AgreesWithSortingEverybody) {
  std::mt19937 random(3);
  std::vector<std::pair<Time, std::string>> wanted;
  for (int i = 0; i < 150; i++) {
    const std::string id = "user" + std::to_string(i);
    const Time seen = now - static_cast<Time>(random() % 40) * second;
    touch_seen_at(id, seen);
    wanted.emplace_back(-seen, id);
  }
  std::sort(wanted.begin(), wanted.end());
  for (const std::size_t limit : {1u, 2u, 17u, 149u, 150u, 151u}) {
    const std::vector<std::string> found = best(Status::online, limit);
    ASSERT_EQ(found.size(), std::min<std::size_t>(limit, 150));
    for (std::size_t i = 0; i < found.size(); i++) EXPECT_EQ(found[i], wanted[i].second);
  }
}

// ---- the cutoff alone ------------------------------------------------------

TEST(Cutoffs, KeepTheBest) {
  Time room[3];
  Cutoff cutoff{room};
  for (const Time seen : {5, 1, 9, 7, 3, 8}) {
    if (cutoff.admits(seen)) cutoff.add(seen);
  }
  EXPECT_EQ(cutoff.count, 3u);
  EXPECT_EQ(room[0], 7);
  EXPECT_FALSE(cutoff.admits(7));
  EXPECT_TRUE(cutoff.admits(8));
}

TEST(Cutoffs, OfNobodyAdmitNobody) {
  Cutoff cutoff{};
  EXPECT_FALSE(cutoff.admits(never));
}

TEST(Cutoffs, DoNotAdmitWhatIsTooOld) {
  Time room[3];
  Cutoff cutoff{room, 0, 10};
  EXPECT_FALSE(cutoff.admits(9));
  EXPECT_TRUE(cutoff.admits(10));
}

}  // namespace
}  // namespace presence::test
