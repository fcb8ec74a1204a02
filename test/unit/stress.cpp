// stress.cpp: many threads at once, with a mutex a partition for a lock.
//
// Application threads touch, connect, say that they are there, read, settle and run transactions;
// they join channels, move and type in them, and list their members; they change who sees them, and
// look on behalf of each other; one worker tells and writes, as in a database. The pool is small,
// so that they also evict each other's users, and sessions are few, so that they are everybody's.
// At the end the region must hang together, and every cell must be accounted for.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>

#include "region_check.h"
#include "support.h"

namespace presence::test {
namespace {

// Those of the indexes of sessions, channels and viewers, taken while the lock of a partition is
// held.
std::shared_mutex session_locks[partition_count], channel_locks[partition_count],
    viewer_locks[partition_count];

constexpr Region::Locks real_locks = {{[](uint32_t number) { session_locks[number].lock_shared(); },
                                       [](uint32_t number) { session_locks[number].lock(); },
                                       [](uint32_t number) { session_locks[number].unlock(); }},
                                      {[](uint32_t number) { channel_locks[number].lock_shared(); },
                                       [](uint32_t number) { channel_locks[number].lock(); },
                                       [](uint32_t number) { channel_locks[number].unlock(); }},
                                      {[](uint32_t number) { viewer_locks[number].lock_shared(); },
                                       [](uint32_t number) { viewer_locks[number].lock(); },
                                       [](uint32_t number) { viewer_locks[number].unlock(); }}};

constexpr Time start = 840'000'000 * second;

class Stress {
 public:
  Stress(uint32_t threads, uint32_t operations) : threads_(threads), operations_(operations) {}

  // What is wrong at the end; empty when nothing is.
  std::string run() {
    std::vector<std::thread> running;
    running_ = threads_;
    for (uint32_t number = 0; number < threads_; number++)
      running.emplace_back([this, number] {
        be_an_application(number);
        running_--;
      });
    running.emplace_back([this] { be_the_worker(); });
    for (std::thread& thread : running) thread.join();

    const std::string problem = find_problem(region_);
    if (!problem.empty()) return problem;
    if (touches_ == 0 || commits_ == 0 || told_ == 0 || written_ == 0 || evicted_ == 0 ||
        heartbeats_ == 0 || foreign_ == 0 || unbound_ == 0 || sessions_written_ == 0 ||
        sessions_deleted_ == 0 || activities_ == 0 || activities_written_ == 0 || moves_ == 0 ||
        typed_ == 0 || listed_ == 0 || member_news_ == 0 || channel_news_ == 0 ||
        members_written_ == 0 || members_deleted_ == 0 || rules_ == 0 || seen_ == 0 ||
        hidden_ == 0 || related_ == 0 || heard_ == 0)
      return "something never happened";
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster_.remove_all(0, partition, 100)) {
      }
    for (uint32_t partition = 0; partition < partition_count; partition++)
      region_.channels.forget_news(0, partition);
    region_.sessions.free_gateways(region_.realm(0).gateways);
    return region_.pool.used() == 0 ? "" : "cells are lost";
  }

  void report() const {
    std::printf("%u touches (%u full), %u commits, %u rollbacks, %u told, %u written, %u evicted\n",
                touches_.load(), full_.load(), commits_.load(), rollbacks_.load(), told_.load(),
                written_.load(), evicted_.load());
    std::printf(
        "%u heartbeats, %u foreign touches, %u unbound, sessions: %u written, %u deleted, "
        "activities: %u, %u written\n",
        heartbeats_.load(), foreign_.load(), unbound_.load(), sessions_written_.load(),
        sessions_deleted_.load(), activities_.load(), activities_written_.load());
    std::printf(
        "%u moves, %u typed, %u members listed, news: %u of members, %u of channels, members: %u "
        "written, %u deleted\n",
        moves_.load(), typed_.load(), listed_.load(), member_news_.load(), channel_news_.load(),
        members_written_.load(), members_deleted_.load());
    std::printf("%u rules, %u seen, %u hidden, %u related, %u heard by everybody\n", rules_.load(),
                seen_.load(), hidden_.load(), related_.load(), heard_.load());
  }

 private:
  using Random = std::minstd_rand;
  using Lock = std::lock_guard<std::mutex>;

  std::mutex& lock_of(uint32_t partition) { return partitions_[partition].mutex; }
  Time now() const { return start + elapsed_.load(std::memory_order_relaxed); }

  // ---- an application's backend

  void be_an_application(uint32_t number) {
    Random random(number + 1);
    for (uint32_t i = 0; i < operations_; i++) {
      if (i % 16 == 0) elapsed_ += static_cast<Duration>(random() % 3) * second;
      const std::string id = some_id(random);
      const UserKey key = region_.key(0, id);
      switch (random() % 18) {
        case 0:
        case 1:
        case 2:
          touch(key, random);
          break;
        case 3:
        case 4:
          change(key, random);
          break;
        case 5:
          read(key);
          break;
        case 6:
          settle(random() % partition_count);
          break;
        case 7:
          count(random() % partition_count);
          break;
        case 8:
        case 9:
          heartbeat(random);
          break;
        case 10:
          hear_gateway(random);
          break;
        case 11:
          queue_activity(key);
          break;
        case 12:
        case 13:
          move(key, random);
          break;
        case 14:
          type(key, random);
          break;
        case 15:
          list_members(random);
          break;
        case 16:
          look(key, random);
          break;
        case 17:
          list_for(random);
          break;
      }
    }
  }

  // Some ids are short and some go on in a text.
  static std::string some_id(Random& random) {
    const std::string id = "user" + std::to_string(random() % 400);
    return random() % 400 % 3 == 0 ? id + text_of(60) : id;
  }

  static std::vector<std::string> make_session_ids() {
    std::vector<std::string> ids;
    for (int i = 0; i < 300; i++)
      ids.push_back("session" + std::to_string(i) + (i % 3 == 0 ? text_of(60) : ""));
    return ids;
  }
  const std::string& some_session(Random& random) const {
    return session_ids_[random() % session_ids_.size()];
  }

  Cell find_or_add(const UserKey& key) {
    const Cell there = roster_.find(key);
    return there == no_cell ? roster_.add(key) : there;
  }

  void make_room(uint32_t partition) {
    for (uint32_t i = 0; i < partition_count; i++) {
      const uint32_t here = (partition + i) % partition_count;
      const Lock lock(lock_of(here));
      const uint32_t evicted = roster_.evict(here, 4);
      evicted_ += evicted;
      if (evicted > 0) return;
    }
  }

  void touch(const UserKey& key, Random& random) {
    const std::string page = text_of(random() % 300, static_cast<char>('a' + random() % 26));
    Touch touch;
    if (random() % 2 == 0) touch.page = page;
    if (random() % 4 == 0) touch.seen_at = now() - static_cast<Duration>(random() % 600) * second;
    if (random() % 3 == 0) touch.session = region_.session_key(0, some_session(random));
    bool full = true;
    {
      const Lock lock(lock_of(key.partition()));
      const Cell cell = find_or_add(key);
      if (cell != no_cell) {
        const Touched touched = roster_.touch(cell, touch, policy_, now());
        full = touched.full;
        foreign_ += touched.foreign;
        if (full || touched.foreign) roster_.remove_if_blank(cell);
      }
    }
    full ? full_++ : touches_++;
    if (full) make_room(key.partition());
  }

  // As a backend does: a session's id says where its user is, and whether it is there still.
  void heartbeat(Random& random) {
    const SessionKey key = region_.session_key(0, some_session(random));
    const SessionIndex::Found found = region_.sessions.find(key);
    if (found.session == no_cell) return;
    const Lock lock(lock_of(found.partition));
    const Cell session = roster_.session_in(found.partition, key);
    if (session == no_cell) return;
    bool changed;
    if (random() % 8 == 0)
      unbound_ += roster_.unbind(session, 1, policy_, now());
    else
      heartbeats_ += roster_.heartbeat(session, policy_, now(), changed);
  }

  Cell hold_gateway(Random& random) {
    return region_.sessions.hold_gateway(
        region_.realm(0).gateways, "gateway" + std::to_string(random() % 3), 15 * second, now(), 1);
  }

  void hear_gateway(Random& random) {
    const Cell cell = hold_gateway(random);
    if (cell == no_cell) return;
    region_.pool.at<Gateway>(cell).heard_at.store(now());
    region_.sessions.release_gateway(cell);
  }

  void queue_activity(const UserKey& key) {
    const Lock lock(lock_of(key.partition()));
    activities_ += roster_.queue_activity(0, key.partition(), {now(), key.id, "read", "/a", ""}, 8);
  }

  // ---- in channels

  const std::string& some_channel(Random& random) const {
    return channel_ids_[random() % channel_ids_.size()];
  }

  void move(const UserKey& key, Random& random) {
    const ChannelKey channel = region_.channel_key(0, some_channel(random));
    const std::string where = text_of(random() % 200, 'c');
    Move move;
    move.is_state = random() % 2 == 0;
    move.first = where;
    if (random() % 2 == 0) move.clock = static_cast<int64_t>(random() % 100);
    bool full = false;
    {
      const Lock lock(lock_of(key.partition()));
      const Cell cell = roster_.find(key);
      if (cell == no_cell) return;
      const Done what = roster_.move(cell, channel, move, policy_, now()).what;
      moves_ += what == Done::done;
      full = what == Done::full;
    }
    if (full) make_room(key.partition());
  }

  void type(const UserKey& key, Random& random) {
    const ChannelKey channel = region_.channel_key(0, some_channel(random));
    bool full = true;
    {
      const Lock lock(lock_of(key.partition()));
      const Cell cell = find_or_add(key);
      if (cell != no_cell) {
        const bool stops = random() % 4 == 0;
        const DoneInChannel done = stops ? roster_.stop_typing(cell, channel, policy_, now())
                                         : roster_.type(cell, channel, "Somebody", policy_, now());
        full = done.what == Done::full;
        typed_ += done.what == Done::done;
        roster_.remove_if_blank(cell);
      }
    }
    if (full) make_room(key.partition());
  }

  // As a backend does: the list first, and then each of them where it is.
  void list_members(Random& random) {
    const ChannelKey channel = region_.channel_key(0, some_channel(random));
    MemberCandidate room[8];
    const std::size_t count = region_.channels.collect(channel, no_cell, forever_ago, room);
    for (std::size_t i = 0; i < count; i++) {
      if (i > 0 && room[i - 1].last_active < room[i].last_active) std::abort();
      MemberView view;
      const UserKey key = region_.key(0, room[i].id());
      const Lock lock(lock_of(key.partition()));
      const Cell cell = roster_.find(key);
      if (cell == no_cell) continue;
      listed_ += roster_.view_member(cell, channel, {}, policy_, now(), view);
      if (roster_.is_member(cell, channel) && region_.channels.members(channel) == 0) std::abort();
      MemberCandidate behind[4];
      roster_.members_after(cell, channel, forever_ago, behind);
    }
  }

  Ask some_channel_ask(Random& random) {
    Ask ask;
    ask.kind = random() % 3 == 0 ? ChangeKind::leave_channel : ChangeKind::join;
    ask.at = now();
    ask.channel = some_channel(random);
    if (random() % 3 == 0) ask.session = some_session(random);
    if (ask.kind != ChangeKind::join) return ask;
    if (random() % 2 == 0) ask.data = text_of(random() % 200);
    if (random() % 2 == 0)
      ask.cursor = text_of(1 + random() % 200);
    else if (random() % 2 == 0)
      ask.state = text_of(1 + random() % 200);
    return ask;
  }

  Ask some_session_ask(Random& random) {
    static constexpr ChangeKind kinds[] = {ChangeKind::connect, ChangeKind::connect,
                                           ChangeKind::disconnect, ChangeKind::say};
    Ask ask;
    ask.kind = kinds[random() % 4];
    ask.at = now();
    ask.session = some_session(random);
    ask.status = random() % 2 == 0 ? Status::online : Status::busy;
    ask.details = "desk";
    ask.binder = random() % 2;
    if (random() % 3 == 0) ask.gateway = "gateway" + std::to_string(random() % 3);
    if (random() % 2 == 0) ask.data = text_of(random() % 200);
    if (random() % 2 == 0) ask.page = text_of(random() % 200);
    if (ask.kind == ChangeKind::disconnect && random() % 2 == 0) {
      ask.reason = Reason::custom;
      ask.reason_text = "closing time";
    }
    return ask;
  }

  // ---- who sees whom

  // Some name each other, and many name a few.
  static std::string some_viewer(Random& random) {
    return random() % 2 == 0 ? "user" + std::to_string(random() % 8) : some_id(random);
  }

  Ask some_rules(Random& random) {
    static constexpr Audience audiences[] = {Audience::everyone, Audience::channel,
                                             Audience::contacts, Audience::nobody};
    static constexpr Detail details[] = {Detail::last_seen, Detail::status, Detail::full};
    Ask ask;
    ask.kind = ChangeKind::set_visibility;
    ask.at = now();
    if (random() % 4 == 0) return ask;
    GivenRules& rules = ask.rules;
    if (random() % 2 == 0) rules.rule = Rule{audiences[random() % 4], details[random() % 3]};
    if (random() % 2 == 0)
      rules.channel_rules = {{some_channel(random), {audiences[random() % 4], Detail::full}}};
    rules.shown = {{Detail::full, now(), 1, text_of(random() % 200), never, {}, true}};
    rules.to_strangers = 0;
    for (uint32_t left = random() % 9; left > 0; left--) {
      const std::string viewer = some_viewer(random);
      bool is_named = false;
      for (const GivenRelation& one : rules.relations) is_named |= one.viewer == viewer;
      if (is_named) continue;
      GivenRelation relation{viewer, random() % 2 == 0, random() % 3 == 0};
      if (random() % 2 == 0) relation.own = details[random() % 3];
      if (relation.is_blocked) relation.shown = 0;
      rules.relations.push_back(relation);
    }
    return ask;
  }

  // The channels first, under the lock of the viewer's own partition.
  Viewer viewer_of(const std::string& id, std::vector<uint64_t>& hashes) {
    const Viewer viewer{region_.viewer_key(0, id), {}};
    char room[1000];
    std::size_t bytes = 0;
    {
      const UserKey key = region_.key(0, id);
      const Lock lock(lock_of(key.partition()));
      const Cell cell = roster_.find(key);
      if (cell != no_cell) bytes = roster_.channels(cell, room);
    }
    for (std::string_view left(room, std::min(bytes, sizeof room)); !left.empty();) {
      const std::string_view channel(left.data());
      hashes.push_back(region_.channel_key(0, channel).hash);
      left.remove_prefix(channel.size() + 1);
    }
    std::sort(hashes.begin(), hashes.end());
    return {viewer.key, hashes};
  }

  void look(const UserKey& key, Random& random) {
    const std::string id = some_viewer(random);
    std::vector<uint64_t> hashes;
    const Viewer viewer = viewer_of(id, hashes);
    look_as(viewer, id, key);
  }

  void look_as(const Viewer& viewer, const std::string& id, const UserKey& key) {
    UserView view;
    const Lock lock(lock_of(key.partition()));
    const Cell cell = roster_.find(key);
    if (cell == no_cell) return;
    const Glance glance = roster_.glance(cell, viewer, {}, policy_, now());
    roster_.view_for(cell, viewer, {}, policy_, now(), view);
    if (view.id() != key.id) std::abort();
    if (id == key.id && glance.detail != Detail::full) std::abort();
    if (glance.detail < Detail::status && (view.status != Status::offline || view.page_bytes > 0))
      std::abort();
    seen_++;
    hidden_ += glance.detail == Detail::nothing;
  }

  // As a backend does: the open ones, and then those who stand otherwise to the viewer.
  void list_for(Random& random) {
    const std::string id = some_viewer(random);
    std::vector<uint64_t> hashes;
    const Viewer viewer = viewer_of(id, hashes);
    const uint32_t partition = random() % partition_count;
    Candidate room[16];
    {
      Time best[16];
      Cutoff cutoff{best, 0, forever_ago};
      Counts all, seen;
      const Lock lock(lock_of(partition));
      roster_.find_cutoff(0, partition, Status::online, &viewer, policy_, cutoff);
      std::size_t found =
          roster_.collect(0, partition, Status::online, &viewer, policy_, forever_ago, room);
      if (cutoff.count != std::min<std::size_t>(found, 16)) std::abort();
      found += roster_.collect_kind(0, partition, Status::online, UserKind::veiled, room);
      roster_.count(0, partition, all);
      roster_.count_seen(0, partition, seen);
      if (seen.online > all.online || found > all.online) std::abort();
    }
    Special related[16];
    std::size_t count;
    {
      const Lock lock(lock_of(partition));
      count = roster_.collect_related(partition, viewer, policy_, nullptr, related);
    }
    related_ += static_cast<uint32_t>(count);
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 16); i++)
      look_as(viewer, id, region_.key(0, related[i].who.id()));
  }

  Ask some_ask(Random& random) {
    static constexpr ChangeKind kinds[] = {
        ChangeKind::choose,      ChangeKind::choose, ChangeKind::be_automatic, ChangeKind::clear,
        ChangeKind::set_message, ChangeKind::leave,  ChangeKind::log_out,      ChangeKind::forget};
    switch (random() % 4) {
      case 0:
        return some_session_ask(random);
      case 1:
        return some_channel_ask(random);
      case 2:
        return some_rules(random);
      default:
        break;
    }
    Ask ask;
    ask.kind = kinds[random() % 8];
    ask.at = now();
    if (ask.kind == ChangeKind::choose)
      ask.status = random() % 2 == 0 ? Status::away : Status::busy;
    if (random() % 2 == 0) ask.until = now() + static_cast<Duration>(random() % 300) * second;
    if (random() % 2 == 0 && ask.kind != ChangeKind::clear && ask.kind != ChangeKind::forget &&
        ask.kind != ChangeKind::log_out)
      ask.message = text_of(random() % 200, static_cast<char>('a' + random() % 26));
    if (random() % 3 == 0) {
      ask.reason = Reason::custom;
      ask.reason_text = "because";
    }
    return ask;
  }

  // Claim, reserve, and commit or roll back, each under its own lock as in a backend. The row's
  // lock, which keeps two transactions from changing one user at once, is that of `rows_`.
  void change(const UserKey& key, Random& random) {
    Cell cell = no_cell;
    {
      const Lock lock(lock_of(key.partition()));
      cell = find_or_add(key);
      if (cell != no_cell) roster_.claim(cell);
    }
    if (cell == no_cell) return make_room(key.partition());

    {
      const Lock row(rows_[key.hash % std::size(rows_)]);
      std::vector<Wish> wishes;
      for (uint32_t i = 0; i <= random() % 2; i++)
        if (const auto wish = reserve_wish(region_, some_ask(random))) wishes.push_back(*wish);
      {
        const Lock lock(lock_of(key.partition()));
        UserView view;
        roster_.view(cell, wishes, policy_, now(), view);
        const Viewer viewer{region_.viewer_key(0, "user1"), {}};
        roster_.view_for(cell, viewer, wishes, policy_, now(), view);
        for (const Wish& wish : wishes) {
          if (!names_channel(wish.change.kind)) continue;
          MemberView member;
          roster_.view_member(cell, wish.channel, wishes, policy_, now(), member);
        }
      }
      const bool commits = random() % 4 != 0 && !wishes.empty();
      commits ? commits_++ : rollbacks_++;
      const Lock lock(lock_of(key.partition()));
      for (const Wish& wish : wishes) rules_ += commits && wish.visibility != no_cell;
      for (Wish& wish : wishes)
        commits ? roster_.grant(cell, wish, policy_, now()) : roster_.free_wish(wish);
      roster_.drop_claim(cell);
    }
  }

  void read(const UserKey& key) {
    UserView view;
    char line[max_choices_bytes];
    const Lock lock(lock_of(key.partition()));
    const Cell cell = roster_.find(key);
    if (cell == no_cell) return;
    roster_.view(cell, {}, policy_, now(), view);
    if (view.id() != key.id) std::abort();
    std::vector<SessionView> room(2);
    roster_.sessions(cell, policy_, now(), room);
    if (!read_choices({line, roster_.choices_line(cell, {}, now(), line)})) std::abort();
  }

  void settle(uint32_t partition) {
    const Lock lock(lock_of(partition));
    roster_.settle(0, partition, policy_, now(), 16);
  }

  void count(uint32_t partition) {
    Candidate room[8];
    Counts counts;
    Time best[8];
    Cutoff cutoff{best, 0, forever_ago};
    const Lock lock(lock_of(partition));
    roster_.count(0, partition, counts);
    roster_.find_cutoff(0, partition, Status::online, nullptr, policy_, cutoff);
    const std::size_t found =
        roster_.collect(0, partition, Status::online, nullptr, policy_, forever_ago, room);
    if (found != counts.online || cutoff.count != std::min<std::size_t>(found, 8)) std::abort();
  }

  // ---- the worker

  void be_the_worker() {
    while (running_ > 0) one_round();
    one_round();
  }

  void one_round() {
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      settle(partition);
      tell_channels(partition);
      tell(partition);
      tell_members(partition);
    }
    write();
    write_sessions();
    write_members();
    write_activities();
  }

  void tell(uint32_t partition) {
    UserNews news;
    for (bool told = true; told; told_ += told) {
      const Lock lock(lock_of(partition));
      told = roster_.take_announcement(0, partition, policy_, false, news);
      heard_ += told && news.everybody_hears;
    }
  }

  void tell_channels(uint32_t partition) {
    ChannelNews news;
    region_.channels.settle(0, partition, now());
    while (region_.channels.take_news(0, partition, policy_.large_channel, now(), news))
      channel_news_++;
  }

  void tell_members(uint32_t partition) {
    MemberNews news;
    for (bool told = true; told; member_news_ += told) {
      const Lock lock(lock_of(partition));
      told = roster_.take_member_news(0, partition, policy_, now(), false, news);
    }
  }

  // A transaction begins to write, is over, and says so.
  void write() {
    struct Written {
      std::string id;
      Cell cell;
    };
    std::vector<Written> batch;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      UserView view;
      const Lock lock(lock_of(partition));
      roster_.flush(0, partition);
      roster_.try_again(0, partition);
      while (roster_.begin_writing(0, partition, policy_, now(), view))
        batch.push_back({std::string(view.id()), view.cell});
    }
    for (const Written& written : batch) {
      const UserKey key = region_.key(0, written.id);
      const Lock lock(lock_of(key.partition()));
      if (roster_.find(key) != written.cell || !roster_.is_being_written(written.cell)) continue;
      written_ % 8 == 7 ? roster_.give_up_writing(written.cell) : roster_.end_writing(written.cell);
      written_++;
    }
  }

  // Two short sections with the transaction in between.
  void write_sessions() {
    const bool committed = ++rounds_ % 4 != 0;
    SessionView view;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      if (rounds_ % 3 == 0) roster_.flush_sessions(0, partition);
      while (roster_.begin_deleting_session(0, partition, view)) sessions_deleted_++;
      while (roster_.begin_writing_session(0, partition, policy_, now(), view)) sessions_written_++;
    }
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      roster_.end_session_rows(0, partition, committed);
    }
  }

  void write_members() {
    MemberView view;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      if (rounds_ % 3 == 0) roster_.flush_members(0, partition);
      while (roster_.begin_deleting_member(0, partition, view)) members_deleted_++;
      while (roster_.begin_writing_member(0, partition, policy_, now(), view)) {
        // Of a row that somebody has locked.
        if (++members_written_ % 8 == 7) roster_.leave_member_row(0, partition, view.cell);
        if (members_written_ % 8 == 7) break;
      }
    }
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      roster_.end_member_rows(0, partition, rounds_ % 4 != 0);
    }
  }

  void write_activities() {
    ActivityView view;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      while (roster_.begin_writing_activity(0, partition, view)) {
        if (view.activity.type != "read" || view.activity.page != "/a") std::abort();
        activities_written_++;
      }
    }
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      const Lock lock(lock_of(partition));
      roster_.end_activities(0, partition, rounds_ % 4 != 0);
    }
  }

  struct alignas(64) Partition {
    std::mutex mutex;
  };

  const uint32_t threads_;
  const uint32_t operations_;
  const Policy policy_{.idle_timeout = 60 * second,
                       .offline_timeout = 300 * second,
                       .session_timeout = 30 * second,
                       .large_channel = 20};
  TestRegion memory_{{7000, 1, 4}, real_locks};
  Region& region_ = memory_.region;
  Roster roster_{region_};
  Partition partitions_[partition_count];
  std::mutex rows_[64];
  const std::vector<std::string> session_ids_ = make_session_ids();
  uint32_t rounds_ = 0;  // of the worker
  std::atomic<Duration> elapsed_ = 0;
  std::atomic<uint32_t> running_ = 0;
  std::atomic<uint32_t> touches_ = 0, full_ = 0, commits_ = 0, rollbacks_ = 0;
  std::atomic<uint32_t> told_ = 0, written_ = 0, evicted_ = 0;
  std::atomic<uint32_t> heartbeats_ = 0, foreign_ = 0, unbound_ = 0;
  std::atomic<uint32_t> sessions_written_ = 0, sessions_deleted_ = 0;
  std::atomic<uint32_t> activities_ = 0, activities_written_ = 0;
  const std::vector<std::string> channel_ids_ = {"hall", "room", "document_7", text_of(90, 'r')};
  std::atomic<uint32_t> moves_ = 0, typed_ = 0, listed_ = 0;
  std::atomic<uint32_t> member_news_ = 0, channel_news_ = 0;
  std::atomic<uint32_t> members_written_ = 0, members_deleted_ = 0;
  std::atomic<uint32_t> rules_ = 0, seen_ = 0, hidden_ = 0, related_ = 0, heard_ = 0;
};

}  // namespace
}  // namespace presence::test

// A look at the link of a free cell may race with the cell's new owner. What was read then is
// thrown away: the counter beside the number has moved (cells.h).
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:presence::CellPool::take\n"; }

// presence_stress [threads] [operations a thread]
int main(int count, char** arguments) {
  const auto argument = [&](int number, uint32_t otherwise) {
    return number < count ? static_cast<uint32_t>(std::strtoul(arguments[number], nullptr, 10))
                          : otherwise;
  };
  presence::test::Stress stress(argument(1, 6), argument(2, 50'000));
  const std::string problem = stress.run();
  stress.report();
  if (problem.empty()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s\n", problem.c_str());
  return EXIT_FAILURE;
}
