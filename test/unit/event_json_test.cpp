// event_json_test.cpp: events as JSON.
#include <gtest/gtest.h>

#include <string>

#include "core/event_json.h"
#include "core/events.h"

namespace presence {
namespace {

std::string written(const EventFacts& event) {
  // What is longer than promised shows as a write behind the end.
  std::string json(max_payload_bytes, '#');
  json.resize(write_event(event, json.data()));
  return json;
}

std::string timestamp(Time at) {
  std::string text(timestamp_bytes, '#');
  write_timestamp(at, text.data());
  return text;
}

EventFacts changed() {
  EventFacts event{};
  event.kind = EventKind::user_status_changed;
  event.epoch = 0x6f1c;
  event.seq = 981;
  event.prev = 975;
  event.channel = global_channel;
  event.user_id = "42";
  event.status = Status::away;
  event.previous_status = Status::online;
  event.reason = name_of(Reason::idle_timeout);
  event.at = 848'893'500'123'456;
  return event;
}

TEST(EventJson, OfAChange) {
  EXPECT_EQ(written(changed()),
            R"({"v":1,"epoch":"0000000000006f1c","seq":981,"prev":975,"channel":"global_presence",)"
            R"("event":"user_status_changed","user_id":"42","status":"away",)"
            R"("previous_status":"online","status_message":null,"reason":"idle_timeout",)"
            R"("timestamp":"2026-11-25T03:45:00.123Z"})");
}

TEST(EventJson, OfSomebodyWhoComes) {
  EventFacts event = changed();
  event.kind = EventKind::user_joined;
  event.message = "hi";
  EXPECT_EQ(written(event),
            R"({"v":1,"epoch":"0000000000006f1c","seq":981,"prev":975,"channel":"global_presence",)"
            R"("event":"user_joined","user_id":"42","status":"away","previous_status":"online",)"
            R"("status_message":"hi","reason":"idle_timeout",)"
            R"("user":{"id":"42","name":null,"avatar":null},)"
            R"("timestamp":"2026-11-25T03:45:00.123Z"})");
}

TEST(EventJson, OfSomebodyWhoGoes) {
  EventFacts event = changed();
  event.kind = EventKind::user_left;
  EXPECT_NE(written(event).find(R"("event":"user_left")"), std::string::npos);
  EXPECT_NE(written(event).find(R"("user":{"id":"42")"), std::string::npos);
}

TEST(EventJson, OfAResync) {
  EventFacts event = changed();
  event.kind = EventKind::presence_resync;
  EXPECT_EQ(written(event),
            R"({"v":1,"epoch":"0000000000006f1c","seq":981,"prev":975,"channel":"global_presence",)"
            R"("event":"presence_resync","timestamp":"2026-11-25T03:45:00.123Z"})");
}

TEST(EventJson, LargestNumbers) {
  EventFacts event = changed();
  event.epoch = event.seq = event.prev = ~uint64_t{0};
  const std::string json = written(event);
  EXPECT_NE(
      json.find(
          R"("epoch":"ffffffffffffffff","seq":18446744073709551615,"prev":18446744073709551615)"),
      std::string::npos);
}

// ---- escaping --------------------------------------------------------------

// Takes a JSON string apart again, as RFC 8259 has it.
std::string unescaped(const std::string& json) {
  std::string text;
  for (std::size_t i = 0; i < json.size(); i++) {
    if (json[i] != '\\') {
      text += json[i];
      continue;
    }
    switch (json[++i]) {
      case 'n':
        text += '\n';
        break;
      case 'r':
        text += '\r';
        break;
      case 't':
        text += '\t';
        break;
      case 'u':
        text += static_cast<char>(std::stoi(json.substr(i + 1, 4), nullptr, 16));
        i += 4;
        break;
      default:
        text += json[i];
    }
  }
  return text;
}

std::string message_in(const std::string& json) {
  const std::string before = R"("status_message":")";
  const std::size_t start = json.find(before) + before.size();
  return json.substr(start, json.find(R"(","reason")") - start);
}

TEST(EventJson, EveryByteComesBack) {
  for (int byte = 1; byte < 256; byte++) {
    const std::string message = std::string("<") + static_cast<char>(byte) + ">";
    EventFacts event = changed();
    event.message = message;
    const std::string escaped = message_in(written(event));
    EXPECT_EQ(unescaped(escaped), message) << byte;
    for (const char c : escaped) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << byte;
  }
}

TEST(EventJson, EscapesAsRfc8259Asks) {
  EventFacts event = changed();
  event.message = std::string_view("\"\\/\n\r\t\b\f\x01\x1f\x7f\0z", 13);
  EXPECT_EQ(message_in(written(event)),
            "\\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\\u007f\\u0000z");
}

TEST(EventJson, EscapesIdsChannelsAndReasonsToo) {
  EventFacts event = changed();
  event.user_id = "a\"b";
  event.channel = "c\\d";
  event.reason = "e\nf";
  const std::string json = written(event);
  EXPECT_NE(json.find(R"("user_id":"a\"b")"), std::string::npos);
  EXPECT_NE(json.find(R"("channel":"c\\d")"), std::string::npos);
  EXPECT_NE(json.find(R"("reason":"e\nf")"), std::string::npos);
}

TEST(EventJson, LeavesLettersAsTheyAre) {
  EventFacts event = changed();
  event.message = "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8d\x8e";
  EXPECT_EQ(message_in(written(event)), event.message);
}

// ---- lengths ---------------------------------------------------------------

TEST(EventJson, TheLongestStaysBelow8000) {
  const std::string id(max_id_bytes, '\x01'), channel(128, '\x02'),
      reason(max_reason_bytes, '\x03');
  // 500 characters of one byte, of which each becomes six, or 500 of four bytes.
  for (const std::string& message :
       {std::string(max_message_characters, '\x04'), std::string(max_message_bytes, '\xf0')}) {
    EventFacts event = changed();
    event.kind = EventKind::user_joined;
    event.epoch = event.seq = event.prev = ~uint64_t{0};
    event.user_id = id;
    event.channel = channel;
    event.reason = reason;
    event.message = message;
    const std::string json = written(event);
    EXPECT_LT(json.size(), 8000u);
    EXPECT_EQ(unescaped(message_in(json)), message);
    EXPECT_EQ(json.find("truncated"), std::string::npos);
  }
}

TEST(EventJson, WhatDoesNotFitIsLeftOutAndSaysSo) {
  // Given a row of somebody else's making: 2,000 bytes that are 2,000 characters.
  const std::string id(max_id_bytes, '\x01'), message(max_message_bytes, '\x04');
  EventFacts event = changed();
  event.kind = EventKind::user_left;
  event.user_id = id;
  event.message = message;
  const std::string json = written(event);
  EXPECT_LT(json.size(), 8000u);
  EXPECT_NE(json.find(R"("status_message":null)"), std::string::npos);
  EXPECT_NE(json.find(R"("truncated":true)"), std::string::npos);
  EXPECT_EQ(json.back(), '}');
}

// ---- channels --------------------------------------------------------------

EventFacts in_channel(EventKind kind) {
  EventFacts event = changed();
  event.kind = kind;
  event.channel = "document_7";
  return event;
}

const std::string head_in_channel =
    R"({"v":1,"epoch":"0000000000006f1c","seq":981,"prev":975,"channel":"document_7",)";
const std::string end_in_channel = R"("timestamp":"2026-11-25T03:45:00.123Z"})";

TEST(ChannelEvents, OfACursor) {
  EventFacts event = in_channel(EventKind::cursor_moved);
  event.cursor = R"({"line": 7})";
  EXPECT_EQ(written(event), head_in_channel + R"("event":"cursor_moved","user_id":"42",)" +
                                R"("cursor_position":{"line": 7},"selection_range":null,)" +
                                end_in_channel);
  event.selection = "[1, 2]";
  EXPECT_NE(written(event).find(R"("selection_range":[1, 2])"), std::string::npos);
}

TEST(ChannelEvents, OfACursorThatIsGone) {
  EXPECT_EQ(written(in_channel(EventKind::cursor_moved)),
            head_in_channel + R"("event":"cursor_moved","user_id":"42",)" +
                R"("cursor_position":null,"selection_range":null,)" + end_in_channel);
}

TEST(ChannelEvents, OfAState) {
  EventFacts event = in_channel(EventKind::state_changed);
  event.state = R"("hand")";
  EXPECT_EQ(written(event), head_in_channel +
                                R"("event":"state_changed","user_id":"42","state":"hand",)" +
                                end_in_channel);
}

TEST(ChannelEvents, OfTyping) {
  EventFacts event = in_channel(EventKind::typing_start);
  EXPECT_EQ(written(event), head_in_channel +
                                R"("event":"typing_start","user_id":"42","user_name":null,)" +
                                end_in_channel);
  event.user_name = "Ann \"the\" Lee";
  EXPECT_NE(written(event).find(R"("user_name":"Ann \"the\" Lee")"), std::string::npos);
  event = in_channel(EventKind::typing_stop);
  event.reason = name_of(Reason::stopped);
  EXPECT_EQ(written(event), head_in_channel +
                                R"("event":"typing_stop","user_id":"42","reason":"stopped",)" +
                                end_in_channel);
}

TEST(ChannelEvents, OfAnOccupancy) {
  EventFacts event = in_channel(EventKind::channel_occupancy);
  event.members = 4'294'967'295u;
  event.large = true;
  EXPECT_EQ(written(event),
            head_in_channel + R"("event":"channel_occupancy","members":4294967295,"large":true,)" +
                end_in_channel);
  event.large = false;
  EXPECT_NE(written(event).find(R"("large":false)"), std::string::npos);
}

TEST(ChannelEvents, OfAJoinAndAnUpdateHaveTheUser) {
  for (const EventKind kind : {EventKind::user_joined, EventKind::user_updated}) {
    EventFacts event = in_channel(kind);
    event.reason = name_of(Reason::join);
    event.user = R"({"id":"42","name":"Ann","avatar":null})";
    const std::string json = written(event);
    EXPECT_NE(json.find(R"("reason":"join","user":{"id":"42","name":"Ann","avatar":null},)"),
              std::string::npos);
  }
}

TEST(EventJson, ALongUserIsShortenedToNameAndAvatar) {
  EventFacts event = changed();
  event.kind = EventKind::user_joined;
  const std::string rest(9000, 'x'), long_name(9000, 'n');
  const std::string whole = R"({"id":"42","name":"Ann","avatar":null,"rest":")" + rest + R"("})";
  const std::string brief = R"({"id":"42","name":"Ann","avatar":null})";
  const std::string long_brief = R"({"id":"42","name":")" + long_name + R"(","avatar":null})";
  event.user_id = "42";
  event.user = whole;
  event.brief_user = brief;
  EXPECT_NE(written(event).find(R"("user":)" + brief), std::string::npos);
  EXPECT_NE(written(event).find(R"("truncated":true})"), std::string::npos);
  event.brief_user = long_brief;
  EXPECT_NE(written(event).find(R"("user":{"id":"42","name":null,"avatar":null})"),
            std::string::npos);
  EXPECT_LE(written(event).size(), max_payload_bytes);
  event.user = brief;
  event.brief_user = {};
  EXPECT_EQ(written(event).find("truncated"), std::string::npos);
}

// Of every length near the limit: all of it, or none and `truncated`.
TEST(ChannelEvents, WhatDoesNotFitIsNullAndSaysSo) {
  for (const std::size_t selection_bytes : {0u, 2u, 30u, 9000u}) {
    for (std::size_t bytes = 7600; bytes < 8010; bytes++) {
      const std::string cursor = '"' + std::string(bytes - 2, 'c') + '"';
      const std::string selection(selection_bytes, '7');
      EventFacts event = in_channel(EventKind::cursor_moved);
      event.cursor = cursor;
      event.selection = selection;
      const std::string json = written(event);
      ASSERT_LE(json.size(), max_payload_bytes) << bytes;
      ASSERT_EQ(json.substr(json.size() - 2),
                json.find("truncated") == std::string::npos ? "\"}" : "e}");
      const bool has_cursor = json.find(cursor) != std::string::npos;
      const bool has_selection =
          selection.empty() || json.find(":" + selection + ",") != std::string::npos;
      ASSERT_EQ(json.find(R"("truncated":true})") == std::string::npos, has_cursor && has_selection)
          << bytes;
    }
  }
  for (std::size_t bytes = 7600; bytes < 8010; bytes++) {
    const std::string state = '"' + std::string(bytes - 2, 's') + '"';
    EventFacts event = in_channel(EventKind::state_changed);
    event.state = state;
    const std::string json = written(event);
    ASSERT_LE(json.size(), max_payload_bytes) << bytes;
    ASSERT_EQ(json.find(R"("truncated":true})") == std::string::npos,
              json.find(state) != std::string::npos);
  }
}

TEST(ChannelEvents, TheLongestNamesFit) {
  const std::string id(max_id_bytes, '\x01'), name(max_user_name_bytes, '\x02');
  EventFacts event = in_channel(EventKind::typing_start);
  event.channel = event.user_id = id;
  event.user_name = name;
  const std::string json = written(event);
  EXPECT_LE(json.size(), max_payload_bytes);
  EXPECT_EQ(json.find("truncated"), std::string::npos);
}

// ---- timestamps ------------------------------------------------------------

struct Moment {
  Time at;
  const char* text;
};

TEST(Timestamps, OfManyMoments) {
  constexpr Duration day = 24 * 60 * minute;
  for (const Moment& moment : {
           Moment{0, "2000-01-01T00:00:00.000Z"},
           Moment{1, "2000-01-01T00:00:00.000Z"},
           Moment{999'999, "2000-01-01T00:00:00.999Z"},
           Moment{-1, "1999-12-31T23:59:59.999Z"},
           Moment{-1'000, "1999-12-31T23:59:59.999Z"},
           Moment{-1'001, "1999-12-31T23:59:59.998Z"},
           Moment{-day, "1999-12-31T00:00:00.000Z"},
           Moment{-10'957 * day, "1970-01-01T00:00:00.000Z"},
           Moment{59 * day, "2000-02-29T00:00:00.000Z"},
           Moment{60 * day - 1, "2000-02-29T23:59:59.999Z"},
           Moment{60 * day, "2000-03-01T00:00:00.000Z"},
           Moment{(366 + 58) * day, "2001-02-28T00:00:00.000Z"},
           Moment{(366 + 59) * day, "2001-03-01T00:00:00.000Z"},
           Moment{8'825 * day, "2024-02-29T00:00:00.000Z"},
           Moment{8'826 * day, "2024-03-01T00:00:00.000Z"},
           Moment{36'583 * day, "2100-02-28T00:00:00.000Z"},
           Moment{36'584 * day, "2100-03-01T00:00:00.000Z"},
           Moment{-36'466 * day, "1900-02-28T00:00:00.000Z"},
           Moment{-36'465 * day, "1900-03-01T00:00:00.000Z"},
       })
    EXPECT_EQ(timestamp(moment.at), moment.text);
}

}  // namespace
}  // namespace presence
