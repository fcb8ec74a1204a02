// visibility.cpp: the table in visibility.h, line by line.
#include "visibility.h"

namespace presence {

namespace {

constexpr std::string_view audience_names[] = {"everyone", "channel", "contacts", "nobody"};
constexpr std::string_view detail_names[] = {"nothing", "last_seen", "status", "full"};
constexpr std::string_view bucket_names[] = {"recently", "within_week", "within_month", "long_ago"};

template <typename Value, std::size_t count>
std::optional<Value> value_named(const std::string_view (&names)[count], std::string_view name) {
  for (std::size_t i = 0; i < count; i++)
    if (names[i] == name) return static_cast<Value>(i);
  return std::nullopt;
}

bool is_in(Audience audience, const Standing& standing) {
  switch (audience) {
    case Audience::everyone:
      return true;
    case Audience::channel:
      return standing.shares_channel;
    case Audience::contacts:
      return standing.is_contact;
    case Audience::nobody:
      return false;
  }
  return false;
}

// The rule that speaks when neither a block nor the viewer's own does.
Rule rule_in_force(const Rules& rules) {
  if (rules.of_channel) return *rules.of_channel;
  if (rules.of_user) return *rules.of_user;
  return {rules.preset, Detail::full};
}

}  // namespace

std::string_view name_of(Audience audience) {
  return audience_names[static_cast<uint8_t>(audience)];
}
std::string_view name_of(Detail detail) { return detail_names[static_cast<uint8_t>(detail)]; }
std::string_view name_of(Bucket bucket) { return bucket_names[static_cast<uint8_t>(bucket)]; }

std::optional<Audience> audience_named(std::string_view name) {
  return value_named<Audience>(audience_names, name);
}
std::optional<Detail> detail_named(std::string_view name) {
  return value_named<Detail>(detail_names, name);
}

Detail allowed(const Standing& standing, const Rules& rules) {
  if (standing.is_blocked) return Detail::nothing;
  if (standing.own != Detail::nothing) return standing.own;
  const Rule rule = rule_in_force(rules);
  return is_in(rule.audience, standing) ? rule.detail : Detail::nothing;
}

bool asks_for_channels(const Rules& rules) {
  return rule_in_force(rules).audience == Audience::channel;
}

// The steps of "last seen recently, within a week, within a month, a long time ago" that people
// know from messengers (Telegram's are 3, 7 and 30 days).
Bucket bucket_of(Time last_seen, Time now) {
  constexpr Duration day = 24 * 60 * minute;
  if (last_seen > now - 3 * day) return Bucket::recently;
  if (last_seen > now - 7 * day) return Bucket::within_week;
  if (last_seen > now - 30 * day) return Bucket::within_month;
  return Bucket::long_ago;
}

}  // namespace presence
