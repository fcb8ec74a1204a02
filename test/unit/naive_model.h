// naive_model.h: what the roster must answer, the slow way.
//
// Written from section 3 of DESIGN.md and the promises of the core's headers, not from the
// code: std::map, vectors, and a scan over everything at each question. No lists, no deadlines,
// no cells. Time is applied by trying each moment at which anything could have happened.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/policy.h"
#include "support.h"

namespace presence::test {

struct NaiveGateway {
  Time heard_at = forever_ago;
  Duration lease = 0;
};

struct NaiveSession {
  std::string id;  // empty: the implicit one
  Status said = Status::online;
  Time active_at = forever_ago;
  std::optional<Time> heard_at;
  Duration lease = 0;  // 0: session_timeout
  std::optional<Time> ends_at;
  std::optional<Reason> parting;  // it has said goodbye
  const NaiveGateway* gateway = nullptr;
  std::string gateway_name;

  Time connected_at = forever_ago;
  bool connected = false;  // by a connect, not by a touch or a row
  uint32_t binder = 0;
  std::string page;
  std::string details;

  Time end(const Policy& policy) const;
  Status status(const Policy& policy, Time at) const;
  void record_activity(Time at);
  void part(const Policy& policy, Time at, Reason reason);
};

struct NaiveChoice {
  std::optional<Status> status;  // nothing: a message alone
  Time until = never;
  std::string message;
  Time message_until = never;

  bool operator==(const NaiveChoice&) const = default;
};

struct Visible {
  Status status = Status::offline;
  std::string message;

  bool operator==(const Visible&) const = default;
};

// What the rules know of a user.
struct NaiveFacts {
  Time last_seen = forever_ago;
  std::vector<NaiveSession> sessions;  // the one made last first
  std::string words;                   // the last ones of a goodbye that has some
  std::vector<NaiveChoice> choices;    // the one in force last

  Visible visible(const Policy& policy, Time at) const;
  // Lets go of what is over at `at`.
  void prune(const Policy& policy, Time at);
  // Returns the id of the session that it counts for; of one that is made up it is empty.
  std::string record_activity(const Policy& policy, Time at, Time now);
  void apply(const Ask& ask, const Policy& policy, Time now);
  // Of a wish that names a session, as its transaction sees it or as it is at the commit.
  void apply_to_session(const Ask& ask, const Policy& policy, Time parts_at);
  std::string join(const Ask& ask, const Policy& policy, Time now);
  // Of some of them: the one that was active last, and has not said goodbye if another has not.
  NaiveSession* newest(const Policy& policy, Time now,
                       const std::set<std::string>* among = nullptr);
  NaiveSession* session(std::string_view id);
  bool is_connected(const Policy& policy, Time at) const;
  uint32_t session_count(const Policy& policy, Time at) const;
  std::vector<Time> moments(const Policy& policy) const;
};

// A user in a channel: a member, or somebody who types there, or both.
struct NaivePlace {
  bool joined = false;
  std::set<std::string> seats;  // ids of sessions; an empty one was made up
  std::string data;             // of its own
  std::string cursor, selection, state;
  std::optional<int64_t> cursor_clock, state_clock;
  Time joined_at = forever_ago;
  Time last_active = forever_ago;
  std::optional<Time> typing_since;
  Time typing_at = forever_ago;
  std::string name;

  bool types(const Policy& policy, Time at) const;
  void stop_typing();
  void leave();
};

struct NaiveUser {
  NaiveFacts facts;
  std::map<std::string, NaivePlace> places;  // by their channels
  bool has_records = false;                  // of channels: as the roster has it
  std::string page;
  std::string data;
  uint32_t activity_count = 0;
  std::map<int64_t, uint32_t> interactions;  // by the minute

  // As of the last look.
  Visible visible;
  Time looked_at = forever_ago;
  Time changed_at = forever_ago;
  Reason reason = Reason::manual;
  std::string reason_text;
  bool words_may_go = false;  // listeners and the row know it

  GivenRules rules;  // who sees it

  // What listeners know.
  Status announced = Status::offline;
  Detail told_detail = Detail::full;  // and how much of it everybody does
  bool message_changed = false;
  bool data_changed = false;
  bool rules_changed = false;
  bool to_announce = false;

  // What the row knows.
  Persist persist = Persist::current;
  bool row_is_current = false;
  bool written_again = false;
  uint32_t claims = 0;
  bool moved_on = false;  // while somebody claimed it

  bool is_evictable() const;
  bool is_blank() const;
};

// A user as its row has it.
struct NaiveRow {
  Status status = Status::offline;
  Time last_seen = forever_ago;
  std::string page;
  std::string data;
  uint32_t activity_count = 0;
  std::vector<NaiveChoice> choices;  // the one in force last
};

// A user as a viewer sees it.
struct NaiveSeen {
  Detail detail = Detail::full;
  Status status = Status::offline;
  std::string message, page, data;
  Time last_seen = forever_ago;
  uint32_t activity_count = 0;
  uint32_t session_count = 0;
  uint32_t interactions_per_minute = 0;
};

// A session as its row has it.
struct NaiveSessionRow {
  std::string user;
  Status status = Status::online;
  Time connected_at = forever_ago;
  Time active_at = forever_ago;
  Time heard_at = forever_ago;
  Duration lease = 0;
  std::string page;
  std::string details;
  std::string gateway;
  // Not in the row, but of whoever loads it.
  Time ends_at = never;                // unless it is heard of
  Status strongest = Status::offline;  // of all rows of the user
};

struct NaiveView {
  Visible visible;
  std::string page;
  std::string data;
  Time last_seen;
  uint32_t activity_count;
  uint32_t session_count;
  uint32_t interactions_per_minute;
};

class NaiveModel {
 public:
  using Key = std::pair<uint16_t, std::string>;

  std::map<Key, NaiveUser> users;
  std::map<Key, NaiveGateway> gateways;
  Policy policy;

  NaiveUser& add(const Key& key);
  NaiveUser& load(const Key& key, const NaiveRow& row, const GivenRules& rules,
                  Time session_ends_at, Time now);

  // What time alone has done, each change at its own moment.
  void settle(NaiveUser& user, Time now);
  void change_policy(const Policy& to, Time now);

  bool touch_needs_session(const NaiveUser& user, std::optional<Time> seen_at, Time now) const;
  // In the user's newest session, or in that one.
  void touch(const Key& key, std::optional<Time> seen_at, const std::optional<std::string>& page,
             uint32_t interactions, Time now, std::string_view session = {});
  void grant(NaiveUser& user, const Ask& ask, Time now);
  void grant_in_session(const Key& key, const Ask& ask, Time now);
  bool heartbeat(NaiveUser& user, std::string_view session, Time now);
  bool unbind(NaiveUser& user, std::string_view session, uint32_t binder, Time now);
  // ---- channels (naive_channels.cpp)
  NaivePlace* place(const Key& key, const std::string& channel);
  void settle_typing(Time now);
  void grant_join(const Key& key, const Ask& ask, Time now);
  void grant_leave(const Key& key, const Ask& ask, Time now);
  Done move(const Key& key, const std::string& channel, const Move& move, Time now);
  void type(const Key& key, const std::string& channel, const std::string& name, Time now);
  // The user's places as its open wishes leave them.
  std::map<std::string, NaivePlace> places(const NaiveUser& user, const std::vector<Ask>& asks,
                                           Time now) const;
  void arrive(const Key& key, const std::string& channel, Time at);

  bool load_session(const Key& key, std::string_view id, const NaiveSessionRow& row, Time now);
  // Who has it, also when its time is up and nobody has looked; nobody: nullptr.
  const Key* owner(uint16_t realm, std::string_view session) const;
  void drop_claim(const Key& key);

  NaiveView view(const NaiveUser& user, const std::vector<Ask>& asks, Time now) const;
  std::vector<NaiveChoice> choices(const NaiveUser& user, const std::vector<Ask>& asks,
                                   Time now) const;

  // ---- who sees whom (naive_visibility.cpp)
  void grant_rules(NaiveUser& user, const Ask& ask, Time now);
  void announce_again(NaiveUser& user);
  // By the rules that its open wishes leave it.
  Detail detail(const Key& key, const std::string& viewer, const std::vector<Ask>& asks,
                const std::string* channel = nullptr) const;
  NaiveSeen seen(const Key& key, const std::string& viewer, const std::vector<Ask>& asks,
                 Time now) const;
  Detail detail_for_strangers(const NaiveUser& user) const;
  // "what everybody may see: the least that the rules give to anyone, since anyone may listen"
  Detail detail_for_everybody(const NaiveUser& user, const std::string* channel = nullptr) const;
  bool everybody_hears(const NaiveUser& user) const;
  void note_detail(NaiveUser& user);

  bool is_to_be_told(const NaiveUser& user) const;
  void take_announcement(const Key& key);
  void mark_all(Persist from, Persist to, uint16_t realm);
  void end_writing(NaiveUser& user);
  void blank(NaiveUser& user);

 private:
  void leave_with_sessions(NaiveUser& user);
  static void take_over(NaiveUser& user, const std::string& heir);
  void stop_typing_after_goodbye(NaiveUser& user);
  void act(NaiveUser& user, const NaivePlace* place, Time now);
  static void join(NaivePlace& place, const Ask& ask, const std::string& session);
  static void leave(NaivePlace& place, const Ask& ask);
  static const GivenRules& rules_of(const NaiveUser& user, const std::vector<Ask>& asks);
  Detail detail_by(const GivenRules& rules, const GivenRelation& relation, bool is_near,
                   const std::string* channel) const;
  bool is_near(const Key& key, const std::string& viewer) const;
  NaiveFacts with(const NaiveUser& user, const std::vector<Ask>& asks, Time now) const;
  void look(NaiveUser& user, Time at, Reason reason, const std::string& reason_text);
  void announce(NaiveUser& user);
  void look_at_end(NaiveUser& user, Time at, Reason otherwise);
  Reason reason_of(const Ask& ask, const NaiveFacts& then, const NaiveFacts& facts, Time now) const;
};

}  // namespace presence::test
