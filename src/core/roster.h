// roster.h: the users of all realms, and everything that may happen to them.
//
// Whoever calls a function here holds the lock of the user's partition: exclusively
// when the function may change something, shared for the const ones. `now` and the
// policy come with each call. Nothing here can fail but for want of a cell, and then
// it has changed nothing.
#pragma once

#include "roster_types.h"

namespace presence {

class Roster {
 public:
  explicit Roster(Region& region) : region_(region), pool_(region.pool) {}

  // ---- coming and going (roster.cpp)
  Cell find(const UserKey& key) const { return region_.index.find(pool_, key); }
  Cell add(const UserKey& key);  // a blank user; no_cell: memory is full
  Cell load(const UserKey& key, const Row& row, const Policy& policy, Time now);
  bool claim(Cell cell);  // false: too many transactions claim it already
  // Remembered of whoever has a choice or a message: they change most.
  RowPlace row_place(Cell cell) const;
  void set_row_place(Cell cell, RowPlace place);
  bool is_being_written(Cell cell) const {
    return pool_.at<User>(cell).persist == Persist::writing;
  }
  // Until nobody claims it any more, its activities stay in the queue.
  void set_forgetting(Cell cell);
  bool drop_claim(Cell cell);  // true: the worker waits for this
  // From before the commit record until the wishes are granted.
  void set_committing(Cell cell, bool committing) { pool_.at<User>(cell).committing = committing; }
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
  // Applies what is due, at most for so many users; true: that was all.
  bool settle(uint16_t realm, uint32_t partition, const Policy& policy, Time now, uint32_t at_most);
  Time next_due(uint16_t realm, uint32_t partition, const Policy& policy) const;
  // The policy has changed: everybody is placed anew, and from now on by its default_audience,
  // whatever that of another process is.
  void apply_policy(uint16_t realm, uint32_t partition, const Policy& policy, Time now);
  // Irregular users get their due moment anew.
  void reschedule(uint16_t realm, uint32_t partition, const Policy& policy, Time now);

  // ---- sessions (roster_sessions.cpp)
  Cell make_session(const NewSession& wanted);  // for a wish; no_cell: full
  void free_session(Cell session);              // one that was never granted
  // The session, when it is one of a user of this partition.
  Cell session_in(uint32_t partition, const SessionKey& key) const;
  bool has_room_for_session(Cell user) const;
  // It lives and has not said goodbye.
  bool is_connected(Cell session, const Policy& policy, Time now) const;
  // False: it is over, or has said goodbye. `changed`: there is something for the worker to do.
  bool heartbeat(Cell session, const Policy& policy, Time now, bool& changed);
  // False: it is not there any more, or bound to another connection.
  bool unbind(Cell session, uint32_t binder, const Policy& policy, Time now);
  // A session of the last run, in the place of the one that load() has made up for its user. False:
  // it is known already, its user has come by itself, or there is no room.
  bool load_session(Cell user, const SessionRowFacts& row, const Policy& policy, Time now);
  // Copies the user's sessions, newest first, and returns how many there are.
  std::size_t sessions(Cell user, const Policy& policy, Time now,
                       std::span<SessionView> room) const;

  // ---- channels (roster_members.cpp, roster_typing.cpp)
  DoneInChannel move(Cell user, const ChannelKey& channel, const Move& move, const Policy& policy,
                     Time now);
  DoneInChannel type(Cell user, const ChannelKey& channel, std::string_view name,
                     const Policy& policy, Time now);
  DoneInChannel stop_typing(Cell user, const ChannelKey& channel, const Policy& policy, Time now,
                            Reason reason = Reason::stopped);
  // The text that keeps a cursor and a selection, or a state.
  std::optional<Cell> make_placed(const Move& move);
  bool has_room_for_channels(Cell user, uint32_t more) const;
  uint32_t member_removals(uint16_t realm, uint32_t partition) const {
    return region_.share(realm, partition).member_removals;
  }
  // Its row is gone, although it is a member: it is written again.
  void miss_member_row(Cell user, const ChannelKey& channel);
  // A member of the last run. False: its user is not there, or there is no room.
  bool load_member(Cell user, const MemberRowFacts& row, const Policy& policy, Time now);

  // ---- who is in channels (roster_member_reads.cpp)
  bool is_member(Cell user, const ChannelKey& channel) const {
    const Cell found = look_up_member(user, channel);
    return found != no_cell && pool_.at<Member>(found).joined;
  }
  // By open wishes; through that session, if one is given.
  bool is_seated(Cell user, const ChannelKey& channel, const SessionKey* session,
                 std::span<const Wish> wishes) const;
  // False: it is none.
  bool view_member(Cell user, const ChannelKey& channel, std::span<const Wish> wishes,
                   const Policy& policy, Time now, MemberView& out) const;
  // The name and since when. False: it does not type.
  bool view_typing(Cell user, const ChannelKey& channel, const Policy& policy, Time now,
                   MemberView& out) const;
  // Copies those behind the user `after` (nobody: from the first on); nothing: it is not there.
  std::optional<std::size_t> members_after(Cell after, const ChannelKey& channel, Time not_before,
                                           std::span<MemberCandidate> room) const;
  // The ids of the channels that a user has joined, each with a zero byte behind it. Returns how
  // many bytes they are, which may be more than there is room for.
  std::size_t channels(Cell user, std::span<char> room) const;

  // ---- what the worker tells and writes of members (roster_member_work.cpp)
  // False: there are none, or only further ones than are looked at at once: see has_member_news.
  bool take_member_news(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                        bool is_shown, MemberNews& out);
  bool has_member_news(uint16_t realm, uint32_t partition) const {
    return region_.share(realm, partition).members_to_announce != no_cell;
  }
  bool begin_deleting_member(uint16_t realm, uint32_t partition, MemberView& out);
  bool begin_writing_member(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                            MemberView& out);
  void leave_member_row(uint16_t realm, uint32_t partition, Cell member);
  void end_member_rows(uint16_t realm, uint32_t partition, bool committed);
  void flush_members(uint16_t realm, uint32_t partition);
  void try_member_rows_again(uint16_t realm, uint32_t partition);
  bool has_members(uint16_t realm, uint32_t partition, RowState state) const;

  // ---- who sees whom (roster_visibility.cpp)
  // The rules of a user as a wish or a row has them; no_cell: there are none. Nothing: full.
  std::optional<Cell> make_visibility(uint16_t realm, const VisibilityFacts& facts);
  void free_visibility(Cell visibility);  // one that was never granted
  // How much of a user a viewer sees, in general or in a channel.
  Detail detail_for(Cell user, const Viewer& viewer, const ChannelKey* channel,
                    std::span<const Wish> wishes, const Policy& policy) const;
  // The user as a viewer sees it; view_at: as one sees it who sees so much of it.
  void view_for(Cell user, const Viewer& viewer, std::span<const Wish> wishes, const Policy& policy,
                Time now, UserView& out) const;
  void view_at(Cell user, Detail detail, const Viewer& viewer, std::span<const Wish> wishes,
               const Policy& policy, Time now, UserView& out) const;

  Glance glance(Cell user, const Viewer& viewer, std::span<const Wish> wishes, const Policy& policy,
                Time now) const;

  // The users of a partition who are here, with nothing due, and whom the viewer sees otherwise
  // than strangers do, by a relation: how recently the best of each status were seen, and then all
  // of them, or those who reach that. Writes as many as there is room for and returns how many
  // there are.
  std::size_t find_related_cutoffs(uint32_t partition, const Viewer& viewer, const Policy& policy,
                                   Cutoffs& cutoffs) const;
  std::size_t collect_related(uint32_t partition, const Viewer& viewer, const Policy& policy,
                              const Cutoffs* cutoffs, std::span<Special> room) const;

  // ---- reads (roster_reads.cpp)
  void view(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now,
            UserView& out) const;
  std::size_t choices_line(Cell cell, std::span<const Wish> wishes, Time now, char* to) const;
  Status status_at(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now) const;
  void count(uint16_t realm, uint32_t partition, Counts& counts) const;
  // Those of whom strangers see the status, at least.
  void count_seen(uint16_t realm, uint32_t partition, Counts& counts) const;
  // With a viewer only of the users who are open, and to whom it has no relation that says
  // otherwise.
  void find_cutoff(uint16_t realm, uint32_t partition, Status status, const Viewer* viewer,
                   const Policy& policy, Cutoff& cutoff) const;
  // Writes as many as there is room for and returns how many there are.
  std::size_t collect(uint16_t realm, uint32_t partition, Status status, const Viewer* viewer,
                      const Policy& policy, Time not_before, std::span<Candidate> room) const;
  // The users of a kind, whoever looks.
  std::size_t collect_kind(uint16_t realm, uint32_t partition, Status status, UserKind kind,
                           std::span<Candidate> room) const;

  // ---- the worker's lists (roster_work.cpp)
  // Takes the next user that listeners must hear of. False: there is none.
  // `is_shown`: a snapshot is being taken just now.
  bool take_announcement(uint16_t realm, uint32_t partition, const Policy& policy, bool is_shown,
                         UserNews& out);
  // What was not announced yet has been shown by a snapshot: it is told even if it is over by then.
  // With the partition's lock, shared will do.
  void note_shown(uint16_t realm, uint32_t partition);
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

  // ---- activities (roster_activities.cpp)
  // False: `at_most` cells wait in the partition already, or memory is full.
  bool queue_activity(uint16_t realm, uint32_t partition, const Activity& activity,
                      uint32_t at_most);
  uint32_t queued_activities(uint16_t realm, uint32_t partition) const {
    return region_.share(realm, partition).activity_count;
  }
  // Takes the oldest, but for those of whom is being forgotten. False: there is none.
  bool begin_writing_activity(uint16_t realm, uint32_t partition, ActivityView& out);
  // The worker's transaction is over, or a worker before this one did not come to its end.
  void end_activities(uint16_t realm, uint32_t partition, bool committed);

  // ---- the rows of sessions (roster_session_rows.cpp)
  // Takes the next session whose row must be deleted, or written. False: there is none.
  bool begin_deleting_session(uint16_t realm, uint32_t partition, SessionView& out);
  bool begin_writing_session(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                             SessionView& out);
  // One that was taken is held until it is tried again, if no reset has taken it away.
  void leave_session_row(uint16_t realm, uint32_t partition, Cell session);
  // The worker's transaction is over, or a worker before this one did not come to its end.
  void end_session_rows(uint16_t realm, uint32_t partition, bool committed);
  void flush_sessions(uint16_t realm, uint32_t partition);
  void try_session_rows_again(uint16_t realm, uint32_t partition);  // held ones wait once more
  bool has_sessions(uint16_t realm, uint32_t partition, RowState state) const;

 private:
  struct Loaded;
  struct Spares;
  class OwnSessions;
  class OwnPlace;
  struct TypingParts;

  User& user(Cell cell) const { return pool_.at<User>(cell); }
  RealmPartition& share_of(const User& user) const {
    return region_.share(user.realm, user.partition);
  }

  // roster.cpp
  void remove(Cell cell, RealmPartition& share);
  void free_sessions(User& user);
  void free_bare_extras(User& user);
  bool same_text(Cell a, Cell b) const;
  void set_text(Cell& text, Cell to);
  void free_extras(User& user);
  void blank(Cell cell, RealmPartition& share);
  bool is_bare(const User& user) const;
  bool is_blank(const User& user) const;
  bool is_evictable(const User& user) const;

  // roster_changes.cpp
  SessionFacts facts_of(const User& user, const Session& session, const Policy& policy) const;
  Loaded load_facts(Cell cell, const Policy& policy, Time at) const;
  void store(Cell cell, Loaded& loaded, const Policy& policy, Time at, Reason reason,
             Spares& spares);
  void announce(Cell cell, RealmPartition& share);
  void link_announcement(Cell cell, RealmPartition& share);
  void note_change(Cell cell, RealmPartition& share, Status status, Time at, Reason reason);
  void note_data(Cell cell, RealmPartition& share);
  std::optional<Reason> reason_of_end(Cell cell, const Policy& policy, Time at) const;
  void place(Cell cell, RealmPartition& share, const Look& look, const Policy& policy);
  void schedule(Cell cell, RealmPartition& share, uint8_t list, Time due);
  bool is_touched_alone(const User& user) const;
  bool parts_with_text(const User& user) const;
  bool has_gateway(const User& user) const;
  void read_again(Cell cell, Loaded& loaded, const Policy& policy, Time at, Reason reason,
                  Spares& spares);
  void refresh(Cell cell, RealmPartition& share, Loaded& loaded, const Policy& policy, Time at,
               Reason reason, Spares& spares);
  void settle_user(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  void reschedule_user(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  Time due_of(const User& user, const Policy& policy) const;
  Cell next_due_user(const RealmPartition& share, const Policy& policy, Time& due) const;
  bool touch_online(Cell cell, RealmPartition& share, const Policy& policy, Time now);
  bool touch_in_session(Cell cell, Cell session, RealmPartition& share, Time now);
  void move_to_head(Cell cell, RealmPartition& share, Time now);
  Cell session_touched(Cell cell, const Touch& touch) const;
  bool mark_dirty_first(Cell cell, RealmPartition& share);
  std::optional<Cell> session_for_touch(Cell cell, const Touch& touch);
  Touched finish_touch(Cell cell, RealmPartition& share, uint32_t interactions, Time now,
                       bool news);
  void count_activity(User& user, uint32_t interactions, Time now);

  // roster_sessions.cpp
  void write_back(User& user);
  void end_session(Cell session);
  void drop_implicit(Cell cell, Cell heir);
  void set_owner(Cell cell, Cell session);
  void link_session(Cell cell, Cell session);
  void link_session_last(Cell cell, Cell session);
  bool has_session(Cell cell, Cell session) const;
  void touch_session(Cell cell, Cell session, Time at);
  void view_session(Cell cell, const Policy& policy, Time now, SessionView& out) const;
  bool has_named_session(Cell cell, const Wish& wish, Cell there, Cell owner);
  void grant_connect(Cell cell, Wish& wish, Cell there);
  void grant_disconnect(Cell cell, Session& session, Wish& wish, const Policy& policy, Time now,
                        Spares& spares);
  void grant_in_session(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy,
                        Time now);
  UserFacts facts_with(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now,
                       uint32_t& count) const;

  // roster_members.cpp
  Cell members_of(const User& user) const;
  Cell find_member(Cell cell, const ChannelKey& channel);
  Cell look_up_member(Cell cell, const ChannelKey& channel) const;
  void give_extras(User& user, Cell& spare);
  Cell add_member(Cell cell, const ChannelKey& channel, Cell& spare_member, Cell& spare_channel);
  void remove_member(Cell member);
  void remove_member_if_idle(Cell member);
  void free_members(User& user);
  void announce_member(Cell member);
  void announce_placed(Cell member);
  void announce_members(const User& user);
  void become_member(Cell member, Time at, Reason reason);
  void leave_channel(Cell member, Reason reason, Time at);
  void act_in_channel(Cell cell, Cell member, RealmPartition& share, const Policy& policy, Time now,
                      Spares& spares);
  void activate_seats(const User& user, Cell session, Time at);
  Cell newest_session(Cell cell, Cell member) const;
  void grant_join(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy, Time now);
  void grant_leave(Cell cell, const Wish& wish, Time now);
  void update_member(Cell member, Wish& wish);
  bool settle_lane(RealmPartition& share, const Policy& policy, Time now, uint32_t& at_most);
  Time next_member_due(const RealmPartition& share, const Policy& policy) const;

  // roster_typing.cpp
  void end_typing(Cell member, Reason reason, Time at);
  void free_typing(Member& member);
  void stop_typing_after_goodbye(const User& user, Time at);
  void end_typing_everywhere(const User& user, Reason reason, Time at);
  bool reserve_typing(const User& user, Cell member, const ChannelKey& channel,
                      std::string_view name, TypingParts& parts);
  void free_typing_parts(const TypingParts& parts);
  void start_typing(Cell member, Cell typing, Time now);
  void extend_typing(Cell member, Cell& name, Time now);
  void settle_typing_of(Cell member, const Policy& policy, Time now);
  bool settle_typing(RealmPartition& share, const Policy& policy, Time now, uint32_t& at_most);
  void link_typing(Cell typing, RealmPartition& share);
  void unlink_typing(Cell typing, RealmPartition& share);

  // roster_seats.cpp
  bool has_seat(const Member& member, Cell session) const;
  bool has_seats(const Member& member) const;
  void add_seat(Member& member, Cell session, Cell& spare);
  bool remove_seat(Member& member, Cell session);
  void leave_seats(Member& member);
  void leave_with_session(Cell session, Reason reason, Time at);
  void leave_all_channels(const User& user, Reason reason, Time at);
  void hand_over_seats(const User& user, Cell from, Cell to);

  // roster_member_reads.cpp
  void add_seat_text(Cell session, MemberView& out) const;
  void view_record(Cell member, const Policy& policy, Time now, MemberView& out) const;
  void read_placed(Cell text, char* first, uint32_t& first_bytes, char* second,
                   uint32_t& second_bytes) const;

  // roster_member_work.cpp
  void link_in_lane(Cell member, RealmPartition& share, Time now);
  void unlink_in_lane(Cell member, RealmPartition& share);
  void choose_placed(Cell member, Time now, MemberChanges& out);
  bool note_news(Cell member, const Policy& policy, Time now, bool is_shown, MemberNews& out);
  void mark_member_row(Cell member, RowState state);
  bool mark_member_row_dirty(Cell member);

  // roster_session_rows.cpp
  void mark_row(Cell session, RowState state);
  bool mark_row_dirty(Cell session);
  void forget_ended_sessions(RealmPartition& share);

  // roster_activities.cpp
  Cell& next_activity(Cell activity) const;
  void note_queued(RealmPartition& share, Cell activity);
  void note_dequeued(RealmPartition& share, Cell activity);
  bool is_being_forgotten(uint16_t realm, Cell activity) const;
  void drop_activities_of(const User& user, RealmPartition& share);
  void forget_activities(RealmPartition& share);

  // roster_visibility.cpp
  std::optional<Cell> make_shown(const ShownFacts& facts);
  bool make_rules(uint16_t realm, const Row& row, Cell& to);
  Cell hold_shown(const VisibilityFacts& facts, int number);
  void release_shown(Cell shown);
  bool add_channel_rules(uint16_t realm, const VisibilityFacts& facts, Visibility& to);
  bool add_relations(uint16_t realm, const VisibilityFacts& facts, Visibility& to);
  bool add_all(uint16_t realm, const VisibilityFacts& facts, Visibility& to);
  void link_relations(Cell user, const Visibility& visibility);
  void set_visibility(Cell user, Cell visibility);
  void end_new_shown(const User& user, Cell shown);
  void end_new_shown(const User& user, const Visibility& visibility);
  void grant_visibility(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy,
                        Time now);
  void note_rules(Cell cell, RealmPartition& share);
  void announce_again(Cell cell, RealmPartition& share);
  void note_detail(Cell cell, RealmPartition& share, const Policy& policy);
  void note_new_rules(Cell cell, const Visibility* rules, const Policy& policy);
  const Visibility* visibility_of(const User& user) const;
  const Visibility* visibility_seen(const User& user, std::span<const Wish> wishes) const;
  Rules rules_in(const Visibility* visibility, std::optional<uint64_t> channel,
                 Audience preset) const;
  // By what strangers see of a user, by its rules alone.
  UserKind kind_of(const User& user, Audience preset) const;
  const Relation* relation_to(const Visibility* visibility, const Viewer& viewer) const;
  bool shares_channel(const User& user, const Viewer& viewer) const;
  Detail detail_in(const User& user, const Visibility* visibility, const Viewer& viewer,
                   std::optional<uint64_t> channel, const Policy& policy) const;
  Detail detail_for_everybody(const User& user, const Policy& policy,
                              std::optional<uint64_t> channel) const;
  Detail detail_for_everybody(const Visibility* visibility, const Policy& policy,
                              std::optional<uint64_t> channel) const;
  template <typename Use>
  void for_each_related(uint32_t partition, const Viewer& viewer, const Policy& policy,
                        Use use) const;
  const Shown* shown_to(const Visibility* visibility, const Viewer& viewer) const;
  void view_shown(const Shown* shown, const User& user, Time now, UserView& out) const;

  // roster_work.cpp
  void mark(Cell cell, RealmPartition& share, Persist state);
  void mark_dirty(Cell cell, RealmPartition& share);
  void note_news(const User& told, const Policy& policy, bool is_shown, UserNews& out) const;
  void drop_reason_text(User& user);
  void mark_all(RealmPartition& share, Persist from, Persist to);

  // roster_reads.cpp
  UserFacts facts_seen(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now,
                       uint32_t& count) const;
  struct Seen {
    Status status;
    TextHandle message;
    Time message_until;
    Time last_seen;
    uint32_t sessions;  // how many are live
  };
  Seen see(const User& of, const Policy& policy, Time now) const;
  Seen see(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now) const;
  void copy_out(const User& user, Cell message, UserView& out) const;
  bool is_listed(Cell cell, const Viewer* viewer, const Policy& policy) const;
  void add_candidate(Cell cell, std::span<Candidate> room, std::size_t& found) const;

  Region& region_;
  CellPool& pool_;
};

}  // namespace presence
