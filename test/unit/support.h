// support.h: what the tests of the core share: a region on the heap, and wishes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/roster.h"

namespace presence::test {

struct RegionSize {
  uint32_t cells = 1000;
  uint32_t realms = 2;
  uint32_t buckets_per_partition = 4;
};

// Locks of the indexes, for who is alone.
inline constexpr IndexLocks no_index_locks = {[](uint32_t) {}, [](uint32_t) {}, [](uint32_t) {}};
inline constexpr Region::Locks no_locks = {no_index_locks, no_index_locks, no_index_locks};

// Shared memory of exactly the size that it needs, so that a sanitizer sees the first byte
// written behind it.
class TestRegion {
 public:
  explicit TestRegion(RegionSize size, const Region::Locks& locks = no_locks);
  TestRegion() : TestRegion(RegionSize{}) {}

  Region region;

 private:
  std::vector<RawCell> memory_;
};

// The rules of a user, as presence_visibility and presence_contacts have them.
struct GivenShown {
  Detail detail = Detail::full;
  Time last_seen = forever_ago;
  uint32_t activity_count = 0;
  std::string message = {};
  Time message_until = never;
  std::string data = {};
  bool is_new = false;
};

struct GivenRelation {
  std::string viewer;
  bool is_contact = false;
  bool is_blocked = false;
  Detail own = Detail::nothing;
  int shown = shown_as_others;
};

struct GivenRules {
  std::optional<Rule> rule = {};
  std::vector<std::pair<std::string, Rule>> channel_rules = {};
  std::vector<GivenRelation> relations = {};
  std::vector<GivenShown> shown = {};
  int to_strangers = shown_as_others;
  int to_contacts = shown_as_others;

  bool empty() const {
    return !rule && channel_rules.empty() && relations.empty() && to_strangers == shown_as_others &&
           to_contacts == shown_as_others;
  }
};

// The same as the roster takes them. Both must stay.
class RulesAsFacts {
 public:
  explicit RulesAsFacts(const GivenRules& rules);

  VisibilityFacts facts;

 private:
  std::vector<ChannelRuleFacts> channel_rules_;
  std::vector<RelationFacts> relations_;
  std::vector<ShownFacts> shown_;
};

// What somebody asks for in a transaction, as the SQL functions get it.
struct Ask {
  ChangeKind kind = ChangeKind::choose;
  Status status = Status::offline;  // of `choose`
  Time at = 0;
  Time until = never;
  std::optional<std::string> message = {};  // nothing keeps the old one, "" clears it
  Reason reason = Reason::manual;
  std::string reason_text = {};  // of a custom reason

  // Of a wish that names a session. Its id is kept by whoever asks.
  std::string_view session = {};
  uint16_t realm = 0;
  std::optional<std::string> data = {};
  std::optional<std::string> page = {};
  std::string details = {};
  Duration lease = 0;
  std::string gateway = {};
  uint32_t binder = 0;
  const struct NaiveGateway* model_gateway = nullptr;  // the naive model's side of it

  // Of a join, or a leave. It may name a session, and bring data along.
  std::string_view channel = {};
  std::optional<std::string> cursor = {};
  std::string selection = {};
  std::optional<std::string> state = {};

  GivenRules rules = {};  // of `set_visibility`
};

// The wish with all cells that granting it may need. Nothing when the pool has too few; then
// none is taken.
std::optional<Wish> reserve_wish(Region& region, const Ask& ask);

// How many cells a text takes, and the cells that such a wish holds.
uint32_t cells_of_text(std::size_t bytes);
uint32_t cells_of_id(std::string_view id);
uint32_t cells_of_wish(const Ask& ask);
// Of rules, with those viewers whom nobody names yet.
uint32_t cells_of_rules(const Region& region, uint16_t realm, const GivenRules& rules);
// And the cells of a cursor with its selection, or of a state.
uint32_t cells_of_placed(std::size_t bytes);

// "name" of 128 bytes and the like: the same letter again and again.
std::string text_of(std::size_t bytes, char letter = 'x');

}  // namespace presence::test
