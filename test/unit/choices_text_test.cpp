// choices_text_test.cpp: choices as a line of text and back.
#include <gtest/gtest.h>

#include <string>

#include "core/choices_text.h"

namespace presence {
namespace {

std::string written(const ChoicesText& choices) {
  std::string line(max_choices_bytes, '#');
  line.resize(write_choices(choices, line.data()));
  return line;
}

ChoicesText layers(std::initializer_list<LayerText> list) {
  ChoicesText choices;
  for (const LayerText& layer : list) choices.layers[choices.count++] = layer;
  return choices;
}

void expect_same(const ChoicesText& a, const ChoicesText& b) {
  ASSERT_EQ(a.count, b.count);
  for (std::size_t i = 0; i < a.count; i++) {
    EXPECT_EQ(a.layers[i].status, b.layers[i].status);
    EXPECT_EQ(a.layers[i].until, b.layers[i].until);
    EXPECT_EQ(a.layers[i].message_until, b.layers[i].message_until);
    EXPECT_EQ(a.layers[i].message, b.layers[i].message);
  }
}

TEST(ChoicesText, LooksAsDocumented) {
  EXPECT_EQ(written(layers({{Status::busy, never, never, "in a call"}})), "busy - - 9:in a call");
  EXPECT_EQ(written(layers({{Status::away, 12, 34, ""}, {Status::offline, never, never, "a b"}})),
            "away 12 34 0:offline - - 3:a b");
}

TEST(ChoicesText, NoChoiceIsTheEmptyLine) {
  EXPECT_EQ(written({}), "");
  EXPECT_EQ(read_choices("")->count, 0u);
}

TEST(ChoicesText, ComesBackAsItWas) {
  const std::string tricky = "9:\n\"' - - 0: \xc3\xa9\\";
  const ChoicesText choices = layers({{Status::away, -5, never, tricky},
                                      {Status::busy, 7, 7, ""},
                                      {Status::busy, never - 1, forever_ago, "x"},
                                      {Status::offline, never, never, "last"}});
  const std::string line = written(choices);
  const auto read = read_choices(line);
  ASSERT_TRUE(read);
  expect_same(*read, choices);
}

TEST(ChoicesText, TheLongestLineFits) {
  const std::string message(max_message_bytes, 'm');
  const LayerText longest{Status::offline, forever_ago + 1, forever_ago + 1, message};
  const ChoicesText choices = layers({longest, longest, longest, longest});
  const std::string line = written(choices);
  EXPECT_LE(line.size(), max_choices_bytes);
  const auto read = read_choices(line);
  ASSERT_TRUE(read);
  expect_same(*read, choices);
}

TEST(ChoicesText, RefusesWhatItDidNotWrite) {
  const std::string too_long = "busy - - 2001:" + std::string(2001, 'm');
  const std::string layer = "busy - - 0:";
  for (const std::string& line : {std::string("busy"),
                                  std::string("busy "),
                                  std::string("busy -"),
                                  std::string("busy - "),
                                  std::string("busy - - "),
                                  std::string("busy - - 1"),
                                  std::string("busy - - :"),
                                  std::string("busy - - 2:x"),
                                  std::string("busy - - -1:"),
                                  std::string("busy - - 1x:y"),
                                  std::string("busy - - 99999999999999999999:x"),
                                  std::string("busy x - 0:"),
                                  std::string("busy 1.5 - 0:"),
                                  std::string("busy  - - 0:"),
                                  std::string("Busy - - 0:"),
                                  std::string(" busy - - 0:"),
                                  std::string("busy - - 0:x"),
                                  std::string("gone - - 0:"),
                                  std::string("busy 9223372036854775808 - 0:"),
                                  too_long,
                                  layer + layer + layer + layer + layer})
    EXPECT_FALSE(read_choices(line)) << line;
}

TEST(ChoicesText, NobodyChoosesToBeOnline) { EXPECT_FALSE(read_choices("online - - 0:")); }

TEST(ChoicesText, EveryPrefixOfALineIsRefusedOrShorter) {
  const std::string line = "busy 17 - 2:hiaway - 12 3:abc";
  for (std::size_t length = 0; length < line.size(); length++) {
    const auto read = read_choices(line.substr(0, length));
    EXPECT_EQ(read.has_value(), length == 0 || length == 14) << length;
  }
}

}  // namespace
TEST(ChoicesText, TellsTheMessageOfAMoment) {
  const std::string_view line = "away 100 50 5:shortbusy 200 200 6:longerbusy - - 4:long";
  EXPECT_EQ(message_at(line, 49), "short");
  EXPECT_EQ(message_at(line, 50), "");
  EXPECT_EQ(message_at(line, 100), "longer");
  EXPECT_EQ(message_at(line, 199), "longer");
  EXPECT_EQ(message_at(line, 200), "long");
  EXPECT_EQ(message_at("busy 10 10 3:one", 10), "");
  EXPECT_EQ(message_at("", 1), "");
  EXPECT_EQ(message_at("busy", 1), "");
}

}  // namespace presence
