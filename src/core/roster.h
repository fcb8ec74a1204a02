// roster.h: the users of all realms, and everything that may happen to them.
//
// Whoever calls a function here holds the lock of the user's partition: exclusively
// when the function may change something, shared for the const ones. `now` and the
// policy come with each call. Nothing here can fail but for want of a cell, and then
// it has changed nothing.
#pragma once

#include <span>

#include "choices_text.h"
#include "policy.h"
#include "region.h"

namespace presence {

// ---- what goes in ----------------------------------------------------------

// A change of a transaction that has not committed yet, with the cells that applying it
// may need. The texts belong to the wish until it is applied.
struct Wish {
  Change change;
  Reason reason = Reason::manual;
  Cell reason_text = no_cell;  // when the reason is `custom`
  Cell spare_session = no_cell;
  Cell spare_extras = no_cell;
};

struct Touch {
  std::optional<Time> seen_at;  // nothing: now
  std::optional<std::string_view> page;
  uint32_t interactions = 1;
};

// A user as its row in the table has it.
struct Row {
  Status status = Status::offline;
  Time last_seen = forever_ago;
  std::string_view page;
  uint32_t activity_count = 0;
  ChoicesText choices;
  Time session_ends_at = never;  // a restart's grace; never: the rules of every day
};

// ---- what comes out --------------------------------------------------------

struct Touched {
  Status status;
  bool full;     // no cell was free: nothing has changed
  bool changed;  // there is something new for the worker to do
};

// All of a user, copied out of shared memory.
struct UserView {
  Cell cell;
  Status status;
  Status announced;
  Reason reason;
  bool has_last_seen;
  Time last_seen;
  Time changed_at;
  uint32_t session_count;
  uint32_t activity_count;
  uint32_t interactions_per_minute;
  uint32_t id_bytes, message_bytes, page_bytes, reason_bytes;
  char id_text[max_id_bytes];
  char message_text[max_message_bytes];
  char page_text[max_page_bytes];
  char reason_text[max_reason_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
  std::string_view message() const { return {message_text, message_bytes}; }
  std::string_view page() const { return {page_text, page_bytes}; }
  std::string_view reason_name() const {
    return reason == Reason::custom ? std::string_view{reason_text, reason_bytes} : name_of(reason);
  }
};

struct Counts {
  uint32_t online = 0;
  uint32_t busy = 0;
  uint32_t away = 0;
};

struct Candidate {
  Time last_seen;
  uint32_t id_bytes;
  char id_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
};

// The moments of the best `wanted` candidates seen so far; the worst of them is where a
// walk may stop.
struct Cutoff {
  std::span<Time> best;  // a heap, the worst at its front; as long as `wanted`
  std::size_t count = 0;
  Time not_before = forever_ago;

  bool admits(Time last_seen) const;
  void add(Time last_seen);
};

class Roster {
 public:
  explicit Roster(Region& region) : region_(region), pool_(region.pool) {}

  // ---- coming and going (roster.cpp)
  Cell find(const UserKey& key) const { return region_.index.find(pool_, key); }
  Cell add(const UserKey& key);  // a blank user; no_cell: memory is full
  Cell load(const UserKey& key, const Row& row, const Policy& policy, Time now);
  void claim(Cell cell) { pool_.at<User>(cell).claims++; }
  bool is_being_written(Cell cell) const {
    return pool_.at<User>(cell).persist == Persist::writing;
  }
  bool drop_claim(Cell cell);  // true: the worker waits for this
  // From before the commit record until the wishes are granted.
  void set_committing(Cell cell) { pool_.at<User>(cell).committing = true; }
  bool is_committing(Cell cell) const { return pool_.at<User>(cell).committing; }
  // Frees a user of whom nothing is known. False: something is.
  bool remove_if_blank(Cell cell);
  uint32_t removals(uint16_t realm, uint32_t partition) const {
    return region_.share(realm, partition).removals;
  }
  uint32_t evict(uint32_t partition, uint32_t wanted);
  // Frees users of a realm: all, or all that no transaction claims. False: call again.
  bool remove_all(uint16_t realm, uint32_t partition, uint32_t at_most);
  bool blank_all(uint16_t realm, uint32_t partition, uint32_t at_most);

  // ---- changes (roster_changes.cpp)
  Touched touch(Cell cell, const Touch& touch, const Policy& policy, Time now);
  void grant(Cell cell, Wish& wish, const Policy& policy, Time now);  // COMMIT
  void free_wish(Wish& wish);                                         // ROLLBACK
  void settle_user(Cell cell, const Policy& policy, Time now);
  // Applies what is due, at most so many users; true: that was all.
  bool settle(uint16_t realm, uint32_t partition, const Policy& policy, Time now, uint32_t at_most);
  Time next_due(uint16_t realm, uint32_t partition, const Policy& policy) const;
  // After the policy has changed: irregular users get their due moment anew.
  void reschedule(uint16_t realm, uint32_t partition, const Policy& policy, Time now);

  // ---- reads (roster_reads.cpp)
  void view(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now,
            UserView& out) const;
  std::size_t choices_line(Cell cell, std::span<const Wish> wishes, Time now, char* to) const;
  Status status_at(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now) const;
  void count(uint16_t realm, uint32_t partition, Counts& counts) const;
  void find_cutoff(uint16_t realm, uint32_t partition, Status status, Cutoff& cutoff) const;
  // Writes as many as there is room for and returns how many there are.
  std::size_t collect(uint16_t realm, uint32_t partition, Status status, Time not_before,
                      std::span<Candidate> room) const;

  // ---- the worker's lists (roster_work.cpp)
  // Takes the next user that listeners must hear of. False: there is none.
  bool take_announcement(uint16_t realm, uint32_t partition, UserView& out);
  // Takes the next user whose row must be written. False: there is none.
  bool begin_writing(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                     UserView& out);
  void end_writing(Cell cell);                         // the row is written
  void give_up_writing(Cell cell);                     // it was locked, or the transaction failed
  void flush(uint16_t realm, uint32_t partition);      // dirty ones wait to be written
  void try_again(uint16_t realm, uint32_t partition);  // held ones wait to be written
  // A worker before this one did not come to its end.
  void recover_writing(uint16_t realm, uint32_t partition);
  bool has(uint16_t realm, uint32_t partition, Persist state) const;
  bool has_announcements(uint16_t realm, uint32_t partition) const;

 private:
  struct Loaded;
  struct Spares;

  User& user(Cell cell) const { return pool_.at<User>(cell); }
  RealmPartition& share_of(const User& user) const {
    return region_.share(user.realm, user.partition);
  }

  // roster.cpp
  void remove(Cell cell, RealmPartition& share);
  void free_sessions(User& user);
  void free_extras(User& user);
  void blank(Cell cell, RealmPartition& share);
  bool is_bare(const User& user) const;
  bool is_blank(const User& user) const;
  bool is_evictable(const User& user) const;

  // roster_changes.cpp
  Loaded load_facts(Cell cell, const Policy& policy, Time at) const;
  void store(Cell cell, Loaded& loaded, const Policy& policy, Time at, Spares& spares);
  void note_change(Cell cell, RealmPartition& share, Status status, Time at, Reason reason);
  void place(Cell cell, RealmPartition& share, const Look& look, const Policy& policy);
  void refresh(Cell cell, RealmPartition& share, Loaded& loaded, const Policy& policy, Time at,
               Reason reason, Spares& spares);
  void settle_user(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  void reschedule_user(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  Time due_of(const User& user, const Policy& policy) const;
  Cell next_due_user(const RealmPartition& share, const Policy& policy, Time& due) const;
  bool touch_online(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  Touched finish_touch(Cell cell, RealmPartition& share, uint32_t interactions, Time now,
                       bool news);
  void count_activity(User& user, uint32_t interactions, Time now);

  // roster_work.cpp
  void mark(Cell cell, RealmPartition& share, Persist state);
  void mark_dirty(Cell cell, RealmPartition& share);
  void mark_all(RealmPartition& share, Persist from, Persist to);

  void copy_out(const User& user, Cell message, UserView& out) const;

  Region& region_;
  CellPool& pool_;
};

}  // namespace presence
