// game.h: one game of the player: both sides, and what is known of the world around them.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "naive_model.h"
#include "support.h"

namespace presence::test {

using Key = NaiveModel::Key;

// What is random in a game; zeros when it is used up.
class Dice {
 public:
  explicit Dice(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool is_used_up() const { return at_ >= bytes_.size(); }
  uint32_t below(uint32_t limit) { return next() % limit; }
  bool one_in(uint32_t many) { return below(many) == 0; }
  template <typename Of, std::size_t count>
  const Of& one_of(const std::array<Of, count>& choices) {
    return choices[below(count)];
  }

 private:
  uint8_t next() { return is_used_up() ? 0 : bytes_[at_++]; }

  std::span<const uint8_t> bytes_;
  std::size_t at_ = 0;
};

struct Mismatch {
  std::string what;
};

inline constexpr Time start = 840'000'000 * second + 17 * millisecond;  // 2026
inline constexpr uint16_t realms = 3;
inline constexpr uint32_t large_from = 3;  // members of a channel

inline const std::array<std::string, 6> ids = {
    "a", "bob", text_of(32, 'c'), text_of(36, 'd'), text_of(37, 'e'), text_of(128, 'f')};

inline const std::array<std::string, 5> session_ids = {"s1", "s2", "s3", text_of(36, 's'),
                                                       text_of(70, 't')};
inline const std::array<std::string, 2> gateway_names = {"g1", text_of(40, 'g')};

inline const std::array<std::string, 3> channel_ids = {"room", "document_7", text_of(70, 'r')};

// Users, and some who are none.
inline const std::array<std::string, 6> viewer_ids = {"a", "bob", text_of(128, 'f'),
                                                      "v", "w",   text_of(40, 'x')};

inline constexpr std::array<Duration, 14> pauses = {
    1,           20 * millisecond, 2 * second, second,     10 * second, 30 * second, minute,
    90 * second, 5 * minute - 1,   5 * minute, 7 * minute, 29 * minute, 30 * minute, 31 * minute};

// A wish, as it was asked for and as the roster has it.
struct OpenWish {
  Ask ask;
  Wish wish;
};

// What a transaction did to one user, and what it wrote to the row.
struct Claimed {
  Key key;
  Cell cell;
  std::vector<OpenWish> wishes;
  std::optional<NaiveRow> row;
  std::optional<GivenRules> rules;  // as it wrote them
  bool is_locked = false;           // it has locked the row
  bool is_forgotten = false;        // and deleted it
};

struct Transaction {
  std::vector<Claimed> claimed;

  Claimed* find(const Key& key) {
    for (Claimed& one : claimed)
      if (one.key == key) return &one;
    return nullptr;
  }
};

// A user whose row the worker writes just now.
struct BeingWritten {
  Key key;
  Cell cell;
  bool succeeds;
};

// A row of a session that the worker writes or deletes just now.
struct SessionWork {
  Key key;  // the realm and the session
  bool deletes;
  bool has_details;
  NaiveSessionRow row;
};

// A member as its row has it.
struct NaiveMemberRow {
  std::set<std::string> sessions;
  std::string data, cursor, selection, state;
  Time joined_at = forever_ago;
  Time last_active = forever_ago;
};

// A row of a member that the worker writes or deletes just now.
struct MemberWork {
  Key key;
  std::string channel;
  Cell cell;
  bool deletes;
  bool is_locked;
  NaiveMemberRow row;
};

// What a listener of a channel believes of a user.
struct Heard {
  bool joined = false, types = false;
  Status status = Status::offline;
  std::string message, data, cursor, selection, state;
};

// What everybody believes of a user who hears of all users.
struct Believed {
  Status status = Status::offline;
  std::string message, data;
};

// Who listens to one channel, and applies what it hears.
struct NaiveListener {
  std::map<std::string, Heard> users;
  bool large = false;
  std::optional<Time> told_at;  // of its occupancy
};

struct NaiveActivity {
  Time at;
  std::string user_id, type, page, session_id;

  bool operator==(const NaiveActivity&) const = default;
};

// Those that end with a zero byte each.
std::set<std::string> ids_of(std::string_view zero_ended);

// Words for the dump.
std::string short_name(const Key& key);
std::string when(Time at);
std::string describe(const GivenRules& rules);
std::string describe(const Ask& ask);

// `step` does one thing to both sides, as its bytes say; `compare_all` asks both everything.
class Game {
 public:
  Game(std::span<const uint8_t> bytes, bool keeps_log)
      : dice_(bytes),
        keeps_log_(keeps_log),
        memory_({12 + dice_.below(160), realms, 1 + dice_.below(2)}),
        region_(memory_.region),
        roster_(region_),
        busy_realms_(static_cast<uint16_t>(1 + dice_.below(realms))) {
    model_.policy.large_channel = large_from;
  }

  bool is_over() const { return dice_.is_used_up(); }
  // Each throws a Mismatch.
  void step();
  void compare_all();
  // Commits, tells and writes all that is open, and compares the table with memory.
  void come_to_rest();

  std::string log() const { return log_; }
  std::string dump() const;

 private:
  // ---- users and time (game_steps.cpp)
  void something_rare();
  Key some_key();
  Cell bring(const Key& key);
  Cell add(const Key& key);
  Cell load(const Key& key, const NaiveRow& row, Time session_ends_at);
  void load();
  void load_sessions(const Key& key, Time ends_at);
  void touch();
  void avoid_ties(const Key& key, bool names_session);
  bool has_dirty(const Key& near) const;
  void remove_if_blank(const Key& key, Cell cell);
  void let_time_pass();
  void evict();
  std::vector<NaiveChoice> some_choices();
  void blank_all();
  void remove_all();
  void change_policy();

  // ---- sessions (game_sessions.cpp)
  std::string some_session_id() { return dice_.one_of(session_ids); }
  Cell hold_gateway(uint16_t realm, const std::string& name);
  std::optional<Ask> some_session_ask(const Transaction& transaction, const Key& key);
  bool is_refused(const Transaction& transaction, const Key& key, const Ask& ask);
  void heartbeat();
  void unbind();
  void hear_gateway();
  void compare_sessions(const Key& key, Cell cell);
  void compare_session(const SessionView& view, const NaiveSession& session, const Key& key) const;

  // ---- the rows of sessions, and activities (game_session_rows.cpp)
  void work_on_session_rows();
  void begin_session_rows(uint16_t realm, uint32_t partition, bool deletes, uint32_t at_most);
  void end_session_rows(bool committed);
  void compare_session_rows() const;
  void queue_activity();
  void work_on_activities();
  void take_activities(uint16_t realm, uint32_t partition, uint32_t at_most);
  void end_activities(bool committed);
  void forget_work(uint16_t realm);

  // ---- channels (game_channels.cpp)
  Ask some_channel_ask(const Transaction& transaction, const Key& key);
  Member* record(const Key& key, const std::string& channel) const;
  void note_records();
  std::pair<Key, std::string> some_place();
  const std::string& some_channel() {
    return dice_.one_in(2) ? channel_ids[0] : dice_.one_of(channel_ids);
  }
  void move();
  void type();
  // The worker has been woken, and will tell of users and members alike.
  bool has_news(uint16_t realm, uint32_t partition) const {
    return roster_.has_member_news(realm, partition) || roster_.has_announcements(realm, partition);
  }
  void expect_told(const Key& key, bool changed, bool had_news, Time due) const;
  void note_joined(const Key& key, const Ask& ask);
  void load_members(const Key& key);
  void compare_places(const Key& key, Cell cell);
  void compare_own_places(const Claimed& claimed);
  void compare_members(uint16_t realm, const std::string& channel);
  void compare_member(const MemberView& view, const Key& key, const NaivePlace& place) const;

  // ---- what listeners of channels hear, and the rows of members (game_channel_work.cpp)
  void tell_members();
  void tell_channels(uint16_t realm);
  void tell_members_of(uint16_t realm);
  void hear(NaiveListener& listener, const MemberChanges& changes, Detail detail) const;
  Heard snapshot_of(const Key& key, const std::string& channel, Detail detail);
  void compare_listener(const NaiveListener& listener, uint16_t realm, const std::string& channel,
                        bool is_everybody) const;
  void tell_everything(uint16_t realm);
  void tell_one_realm() { tell_everything(static_cast<uint16_t>(dice_.below(realms))); }
  void compare_listeners(uint16_t realm) const;
  void listen_anew(uint16_t realm, const std::string& channel);
  void work_on_member_rows();
  void begin_member_rows(uint16_t realm, uint32_t partition, bool deletes, uint32_t at_most);
  void end_member_rows(bool committed);
  void compare_member_rows() const;

  // ---- who sees whom (game_visibility.cpp)
  Ask some_rules(const Key& key);
  GivenShown some_shown(const Key& key);
  const GivenRules& rules_in_table(const Key& key) const;
  Viewer viewer(uint16_t realm, const std::string& id);
  // One after the other, for the dice are for the steps.
  const std::string& next_viewer() { return viewer_ids[looks_++ % viewer_ids.size()]; }
  void compare_seen(const Key& key, Cell cell, const std::string& viewer,
                    const Claimed* claimed = nullptr);
  void compare_lists_for(uint16_t realm, const std::string& viewer);
  void compare_best_for(uint16_t realm, Status status, const std::string& viewer);
  void compare_news(const Key& key);
  void compare_member_news(const Key& key, const std::string& channel) const;
  void believe(const Key& key);
  void compare_beliefs(uint16_t realm) const;
  std::vector<Cell> held_rules() const;

  // ---- transactions (game_transactions.cpp)
  Claimed* claim(Transaction& transaction, const Key& key);
  bool is_locked_by_another(const Transaction& transaction, const Key& key);
  std::string some_message();
  Ask some_ask();
  void wish();
  void claim_alone();
  void commit_one() { commit(some_transaction()); }
  void commit(Transaction& transaction);
  void roll_back_one() { roll_back(some_transaction()); }
  void roll_back(Transaction& transaction);
  void drop_claim(const Claimed& claimed);
  bool is_too_late_for_several(const Claimed& claimed) const;
  void grant(Claimed& claimed, OpenWish& open);
  NaiveRow row_of(Cell cell, const std::vector<Wish>& wishes);
  Transaction& some_transaction() {
    return transactions_[dice_.below(static_cast<uint32_t>(transactions_.size()))];
  }
  std::string name_of(const Transaction& transaction) const {
    return "transaction " + std::to_string(&transaction - transactions_.data());
  }
  static std::vector<Wish> wishes_of(const Claimed& claimed);
  static std::vector<Ask> asks_of(const Claimed& claimed);

  // ---- the worker (game_worker.cpp)
  void settle();
  void settle_one();
  void take_announcements();
  bool take_announcement(uint16_t realm, uint32_t partition);
  void begin_writing();
  bool begin_writing(uint16_t realm, uint32_t partition, bool succeeds);
  void end_writing();
  void mark_for_writing();
  void recover_writing();

  // ---- comparisons (game_checks.cpp)
  void compare_user(const Key& key, Cell cell);
  Time due_of(const User& stored) const;
  Time next_change_of(const NaiveUser& user) const;
  void compare_view(const Claimed& claimed, Cell cell);
  void expect_reason(const NaiveUser& user) const;
  std::vector<NaiveChoice> read_back(Cell cell, std::span<const Wish> wishes);
  void compare_lists(uint16_t realm);
  std::vector<std::pair<Time, std::string>> in_status(uint16_t realm, Status status) const;
  void compare_order(uint16_t realm, Status status);
  std::vector<NaiveChoice> still_to_come(const std::vector<NaiveChoice>& choices) const;
  void compare_row(const Key& key, const NaiveUser& user) const;
  static std::string lines_of(const std::vector<NaiveChoice>& choices);

  UserKey user_key(const Key& key) const { return region_.key(key.first, key.second); }
  uint32_t free_cells() const { return region_.pool.count() - region_.pool.used(); }
  void log(const std::string& line) {
    if (keeps_log_) log_ += "  " + line + "\n";
  }
  void expect(bool holds, const char* what) const {
    if (!holds) throw Mismatch{std::string("MISMATCH: ") + what};
  }
  void expect(bool holds, const char* what, const Key& key) const {
    if (!holds) throw Mismatch{std::string("MISMATCH: ") + what + ": " + short_name(key)};
  }

  Dice dice_;
  bool keeps_log_;
  TestRegion memory_;
  Region& region_;
  Roster roster_;
  uint16_t busy_realms_;  // in which anything is done
  NaiveModel model_;
  std::map<Key, NaiveRow> rows_;  // the table
  std::array<Transaction, 3> transactions_;
  std::vector<BeingWritten> being_written_;
  Time now_ = start;
  std::map<Key, NaiveSessionRow> session_rows_;  // the other table
  std::vector<SessionWork> session_work_;
  bool works_on_session_rows_ = false;
  std::map<std::pair<uint16_t, uint32_t>, std::deque<NaiveActivity>> queued_, taken_;
  std::set<Key> being_forgotten_;  // until nobody claims them any more
  std::map<std::pair<uint16_t, std::string>, NaiveListener> listeners_;
  std::map<std::pair<uint16_t, std::string>, NaiveListener> everybody_;  // listens, too
  std::map<Key, Believed> beliefs_;
  std::map<Key, GivenRules> rule_rows_;  // the tables of rules and contacts
  std::vector<uint64_t> viewers_channels_;
  std::size_t looks_ = 0;
  std::map<std::pair<Key, std::string>, Time> told_moves_;  // when, since the last policy
  std::map<std::pair<Key, std::string>, NaiveMemberRow> member_rows_;
  std::vector<MemberWork> member_work_;
  bool works_on_member_rows_ = false;
  std::set<Time> moments_;      // at which anybody was active
  uint32_t held_ = 0;           // cells of open wishes
  uint32_t held_sessions_ = 0;  // of gateways
  uint32_t messages_made_ = 0;
  UserView view_;
  UserNews user_news_;
  SessionView session_view_;
  ActivityView activity_view_;
  MemberView member_view_;
  MemberNews member_news_;
  ChannelNews channel_news_;
  std::array<char, max_choices_bytes> line_;
  std::string log_;
};

}  // namespace presence::test
