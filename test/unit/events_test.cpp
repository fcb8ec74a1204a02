// events_test.cpp: the ring of events.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/events.h"

namespace presence {
namespace {

// A ring whose buffer ends where its memory ends.
class Ring {
 public:
  explicit Ring(std::size_t bytes) : memory_((bytes + 7) / 8) {
    ring.create(memory_.data(), bytes);
  }

  EventRing ring;

 private:
  std::vector<uint64_t> memory_;
};

std::vector<std::string> payloads(const EventRing& ring, uint32_t owner, uint64_t from = 0) {
  std::vector<std::string> found;
  for (auto event = ring.next(owner, from); event; event = ring.next(owner, event->next))
    found.emplace_back(event->payload);
  return found;
}

TEST(EventRing, IsEmptyAtFirst) {
  Ring memory(4096);
  EXPECT_FALSE(memory.ring.next(1, 0));
  EXPECT_EQ(memory.ring.oldest(), memory.ring.end());
  EXPECT_GT(memory.ring.end(), 0u) << "position 0 means none";
}

TEST(EventRing, KeepsWhatWasAppended) {
  Ring memory(4096);
  Stream stream{};
  memory.ring.append(stream, 1, Hearers::everybody, "global_presence", "{\"seq\":1}");
  const auto event = memory.ring.next(1, 0);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->seq, 1u);
  EXPECT_EQ(event->channel, "global_presence");
  EXPECT_EQ(event->payload, "{\"seq\":1}");
  EXPECT_EQ(event->position, stream.newest);
  EXPECT_EQ(event->next, memory.ring.end());
}

TEST(EventRing, CountsTheSeqOfTheStream) {
  Ring memory(4096);
  Stream stream{};
  stream.seq = 41;
  memory.ring.append(stream, 1, Hearers::everybody, "c", "p");
  EXPECT_EQ(stream.seq, 42u);
  EXPECT_EQ(memory.ring.next(1, 0)->seq, 42u);
}

TEST(EventRing, GoesOnWhereItWasLeft) {
  Ring memory(4096);
  Stream stream{};
  for (const char* payload : {"a", "bb", "", "dddddddddddd"})
    memory.ring.append(stream, 1, Hearers::everybody, "c", payload);
  EXPECT_EQ(payloads(memory.ring, 1), (std::vector<std::string>{"a", "bb", "", "dddddddddddd"}));
  const uint64_t end = memory.ring.end();
  EXPECT_FALSE(memory.ring.next(1, end));
  memory.ring.append(stream, 1, Hearers::everybody, "c", "later");
  EXPECT_EQ(memory.ring.next(1, end)->payload, "later");
}

TEST(EventRing, TellsOwnersApart) {
  Ring memory(4096);
  Stream one{}, two{};
  memory.ring.append(one, 1, Hearers::everybody, "c", "of one");
  memory.ring.append(two, 2, Hearers::everybody, "c", "of two");
  memory.ring.append(one, 1, Hearers::everybody, "c", "of one again");
  EXPECT_EQ(payloads(memory.ring, 1), (std::vector<std::string>{"of one", "of one again"}));
  EXPECT_EQ(payloads(memory.ring, 2), (std::vector<std::string>{"of two"}));
  EXPECT_TRUE(payloads(memory.ring, 3).empty());
  EXPECT_EQ(one.seq, 2u);
  EXPECT_EQ(two.seq, 1u);
}

TEST(EventRing, OverwritesTheOldest) {
  Ring memory(64 + 320);  // room for ten of these
  Stream stream{};
  for (int i = 0; i < 25; i++)
    memory.ring.append(stream, 1, Hearers::everybody, "c", std::to_string(1000 + i));
  const std::vector<std::string> left = payloads(memory.ring, 1);
  ASSERT_EQ(left.size(), 10u);
  EXPECT_EQ(left.front(), "1015");
  EXPECT_EQ(left.back(), "1024");
}

TEST(EventRing, ShowsThatSomethingWasLostByItsSeq) {
  Ring memory(64 + 320);
  Stream stream{};
  memory.ring.append(stream, 1, Hearers::everybody, "c", "1000");
  const uint64_t sent = memory.ring.end();
  for (int i = 0; i < 20; i++) memory.ring.append(stream, 1, Hearers::everybody, "c", "1001");
  EXPECT_LT(sent, memory.ring.oldest());
  const auto next = memory.ring.next(1, sent);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->position, memory.ring.oldest());
  EXPECT_GT(next->seq, 2u);
}

TEST(EventRing, LosesTheEventsOfAQuietOwnerToABusyOne) {
  Ring memory(64 + 320);
  Stream quiet{}, busy{};
  memory.ring.append(quiet, 1, Hearers::everybody, "c", "1000");
  for (int i = 0; i < 20; i++) memory.ring.append(busy, 2, Hearers::everybody, "c", "1001");
  EXPECT_FALSE(memory.ring.next(1, quiet.newest));
  EXPECT_LT(quiet.newest, memory.ring.oldest());
}

TEST(EventRing, HoldsTheLongestEventInASmallRing) {
  // The longest entry is 8,088 bytes, and two always fit.
  Ring memory(64 + 2 * 8088);
  Stream stream{};
  const std::string channel(max_channel_bytes, 'c');
  for (const std::size_t bytes :
       {max_payload_bytes, std::size_t{0}, max_payload_bytes, std::size_t{3000}, max_payload_bytes,
        max_payload_bytes, std::size_t{7}}) {
    const std::string payload(bytes, 'p');
    memory.ring.append(stream, 1, Hearers::everybody, channel, payload);
    const auto newest = memory.ring.next(1, stream.newest);
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->channel, channel);
    EXPECT_EQ(newest->payload, payload);
  }
}

TEST(EventRing, IsTheSameForWhoeverAttaches) {
  std::vector<uint64_t> memory(512);
  EventRing writer, reader;
  writer.create(memory.data(), 4096);
  reader.attach(memory.data());
  Stream stream{};
  writer.append(stream, 1, Hearers::everybody, "c", "hello");
  EXPECT_EQ(reader.next(1, 0)->payload, "hello");
}

// Against a list of everything, in rings of many sizes, so that each way of wrapping comes up.
TEST(EventRing, KeepsForWhomAnEventIs) {
  Ring memory(4096);
  Stream stream{};
  memory.ring.append(stream, 1, Hearers::trusted, "c", "secret");
  memory.ring.append(stream, 1, Hearers::everybody_in_part, "c", "partly");
  const auto first = memory.ring.next(1, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->hearers, Hearers::trusted);
  EXPECT_FALSE(is_public(first->hearers));
  const auto second = memory.ring.next(1, first->next);
  ASSERT_TRUE(second);
  EXPECT_TRUE(is_public(second->hearers));
}

// A reader that begins at a mark finds what one finds who begins at the start.
TEST(EventMarks, LeadToWhatComesAfterASeq) {
  Ring memory(16 * 1024);
  Stream stream{};
  EventMarks marks;
  for (int i = 0; i < 20'000; i++) {
    memory.ring.append(stream, 1, Hearers::everybody, "c", std::to_string(i));
    marks.note(stream.seq, stream.newest);
    if (i % 997 != 0) continue;
    const auto oldest = memory.ring.next(1, 0);
    for (uint64_t seq = oldest->seq; seq <= stream.seq; seq += 13) {
      const Bookmark mark = marks.before(seq, memory.ring.oldest());
      auto event = memory.ring.next(1, mark.position);
      ASSERT_TRUE(event);
      EXPECT_LE(event->seq, seq);
      EXPECT_TRUE(mark.position == 0 || event->seq == mark.seq);
      while (event && event->seq < seq) event = memory.ring.next(1, event->next);
      ASSERT_TRUE(event);
      EXPECT_EQ(event->seq, seq);
    }
  }
}

TEST(EventMarks, SayNothingOfWhatHasLeftTheRing) {
  Ring memory(1024);
  Stream stream{};
  EventMarks marks;
  for (int i = 0; i < 1000; i++) {
    memory.ring.append(stream, 1, Hearers::everybody, "c", "payload");
    marks.note(stream.seq, stream.newest);
  }
  EXPECT_EQ(marks.before(128, memory.ring.oldest()).position, 0u);
  EXPECT_EQ(marks.before(0, memory.ring.oldest()).position, 0u);
}

TEST(EventRing, AgreesWithAListWhateverIsAppended) {
  for (std::size_t bytes = 64 + 400; bytes < 64 + 480; bytes++) {
    Ring memory(bytes);
    std::mt19937 random(static_cast<unsigned>(bytes));
    struct Appended {
      uint32_t owner;
      uint64_t position, seq;
      std::string channel, payload;
    };
    std::deque<Appended> all;
    Stream streams[3] = {};
    for (int step = 0; step < 500; step++) {
      const uint32_t owner = random() % 3;
      const std::string channel(1 + random() % 20, static_cast<char>('a' + random() % 26));
      const std::string payload(random() % 120, static_cast<char>('a' + random() % 26));
      memory.ring.append(streams[owner], owner + 1, Hearers::everybody, channel, payload);
      all.push_back({owner + 1, streams[owner].newest, streams[owner].seq, channel, payload});
      while (all.front().position < memory.ring.oldest()) all.pop_front();
      for (uint32_t of = 1; of <= 3; of++) {
        uint64_t from = 0;
        for (const Appended& wanted : all) {
          if (wanted.owner != of) continue;
          const auto event = memory.ring.next(of, from);
          ASSERT_TRUE(event);
          ASSERT_EQ(event->position, wanted.position);
          ASSERT_EQ(event->seq, wanted.seq);
          ASSERT_EQ(event->channel, wanted.channel);
          ASSERT_EQ(event->payload, wanted.payload);
          from = event->next;
        }
        ASSERT_FALSE(memory.ring.next(of, from));
      }
      // Nothing is given up before it has to be.
      const uint64_t capacity = (bytes - 64) / 8 * 8;
      ASSERT_LE(memory.ring.end() - memory.ring.oldest(), capacity);
    }
  }
}

}  // namespace
}  // namespace presence
