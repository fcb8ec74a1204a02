// visibility.h: who sees how much of whom. Pure functions, and the words they speak in.
//
// What is asked in this order, and the first that speaks decides:
//
//   who speaks                                 | what is seen
//   -------------------------------------------+------------------------------------------------
//   the trusted application, the user itself   | full
//   a block of the viewer                      | nothing
//   the viewer's own rule: a contact's detail  | that detail
//   the channel's rule, when looked at there   | its detail for its audience, nothing for others
//   the user's rule                            | its detail for its audience, nothing for others
//   presence.default_audience                  | full for that audience, nothing for others
#pragma once

#include <span>

#include "types.h"

namespace presence {

// Whom a rule lets see.
enum class Audience : uint8_t { everyone, channel, contacts, nobody };
// How much: `status` is without message, page and anything of user_data but name and avatar, and
// tells last_seen as a bucket only; `last_seen` is that bucket alone.
enum class Detail : uint8_t { nothing, last_seen, status, full };

std::string_view name_of(Audience audience);
std::string_view name_of(Detail detail);
std::optional<Audience> audience_named(std::string_view name);
std::optional<Detail> detail_named(std::string_view name);  // nothing is one

struct Rule {
  Audience audience = Audience::everyone;
  Detail detail = Detail::full;

  bool operator==(const Rule&) const = default;
};

// What a user has to do with one viewer.
struct Standing {
  bool is_blocked = false;
  bool is_contact = false;
  Detail own = Detail::nothing;  // the viewer's own rule; nothing: there is none
  bool shares_channel = false;
};

// The rules that a user has set; nothing: none.
struct Rules {
  std::optional<Rule> of_channel;  // of the channel in which the user is looked at
  std::optional<Rule> of_user;
  Audience preset = Audience::everyone;  // presence.default_audience
};

Detail allowed(const Standing& standing, const Rules& rules);
// Whether the answer may hang on shares_channel.
bool asks_for_channels(const Rules& rules);

// last_seen as those see it who are not told when.
enum class Bucket : uint8_t { recently, within_week, within_month, long_ago };
std::string_view name_of(Bucket bucket);
Bucket bucket_of(Time last_seen, Time now);

// ---- the rules of one user as they lie in the tables ---------------------------

// What those see from whom a user hides: the user as it was at that moment, offline.
struct ShownFacts {
  Detail detail = Detail::full;  // as it was seen before; nothing: never, so nothing is known
  Time last_seen = forever_ago;
  uint32_t activity_count = 0;
  std::string_view message;
  Time message_until = never;
  std::string_view choices;  // as a row has them, when earlier ones may come back
  std::string_view data;
  bool is_new = false;    // as of now: until COMMIT the user goes on
  Cell made = no_cell;    // of use to make_visibility alone
  Time at = forever_ago;  // when the user hid
};

inline constexpr int shown_as_others = -1;

struct RelationFacts {
  std::string_view viewer;
  bool is_contact = false;
  bool is_blocked = false;
  Detail own = Detail::nothing;
  int shown = shown_as_others;  // what is shown while nothing is seen: a place in `shown`
};

struct ChannelRuleFacts {
  std::string_view channel;
  Rule rule;
};

struct VisibilityFacts {
  std::optional<Rule> rule;
  std::span<const ChannelRuleFacts> channel_rules;
  std::span<const RelationFacts> relations;
  std::span<ShownFacts> shown;
  int to_strangers = shown_as_others;  // places in `shown`; none: nothing is known
  int to_contacts = shown_as_others;   // none: as to strangers
};

}  // namespace presence
