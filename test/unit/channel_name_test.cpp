// channel_name_test.cpp: what channels are called in LISTEN and NOTIFY.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/channel_name.h"

namespace presence {
namespace {

std::string name_of(std::string_view prefix, std::string_view channel) {
  std::string name(max_name_bytes, '#');
  name.resize(write_channel_name(prefix, channel, name.data()));
  return name;
}

TEST(ChannelName, IsThePrefixAndTheChannelWhenThatFits) {
  EXPECT_EQ(name_of("", "global_presence"), "global_presence");
  EXPECT_EQ(name_of("app_", "room 1"), "app_room 1");
  EXPECT_EQ(name_of("", std::string(63, 'c')), std::string(63, 'c'));
  EXPECT_EQ(name_of("p", std::string(62, 'c')), "p" + std::string(62, 'c'));
}

TEST(ChannelName, IsHashedOtherwise) {
  const std::string name = name_of("p", std::string(63, 'c'));
  EXPECT_EQ(name.size(), 63u);
  EXPECT_EQ(name.substr(0, 31), "p" + std::string(29, 'c') + ".");
  EXPECT_EQ(name.find_first_not_of("0123456789abcdef", 31), std::string::npos);
}

TEST(ChannelName, IsTheSameOnEveryServer) {
  // Applications listen to it. The digits are of another implementation of SipHash-1-3.
  EXPECT_EQ(name_of("", std::string(64, 'x')),
            std::string(30, 'x') + ".ca072f41772e30ff9635db6ff231303f");
}

TEST(ChannelName, FitsWithTheLongestPrefix) {
  EXPECT_EQ(name_of(std::string(30, 'p'), std::string(128, 'c')).size(), 63u);
}

TEST(ChannelName, TellsLongChannelsApart) {
  std::set<std::string> names;
  for (std::size_t place = 0; place < 128; place++) {
    std::string channel(128, 'c');
    channel[place] = 'd';
    EXPECT_TRUE(names.insert(name_of("prefix_", channel)).second) << place;
  }
}

TEST(ChannelName, CutsNoCharacterInTwo) {
  // Characters of two, three and four bytes, at each place of the cut.
  for (const std::string character : {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8d\x8e"})
    for (std::size_t before = 0; before < character.size(); before++) {
      std::string channel(before, 'x');
      while (channel.size() < 100) channel += character;
      const std::string name = name_of("", channel);
      const std::size_t cut = name.size() - 33;
      EXPECT_EQ(name[cut], '.');
      EXPECT_EQ((cut - before) % character.size(), 0u) << character << before;
      EXPECT_LE(name.size(), 63u);
      EXPECT_GT(cut, 30u - character.size());
    }
}

}  // namespace
}  // namespace presence
