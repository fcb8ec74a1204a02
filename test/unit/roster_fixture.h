// roster_fixture.h: a roster with a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include "region_check.h"
#include "support.h"

namespace presence::test {

// What listeners were told of a user.
struct Told {
  std::string id;
  Status from;
  Status to;
  std::string message;
  std::string reason;
  Time at;

  bool operator==(const Told&) const = default;
};

inline void PrintTo(const Told& told, std::ostream* out) {
  *out << told.id << ": " << name_of(told.from) << " to " << name_of(told.to) << " '"
       << told.message << "' (" << told.reason << ") at " << told.at;
}

class RosterTest : public testing::Test {
 protected:
  static constexpr Time start = 840'000'000 * second;  // 2026

  explicit RosterTest(RegionSize size = {}) : memory(size) {}
  ~RosterTest() override { EXPECT_EQ(find_problem(region, held, 0, policy), ""); }

  // ---- who
  UserKey key(std::string_view id, uint16_t realm = 0) const { return region.key(realm, id); }
  Cell find(std::string_view id, uint16_t realm = 0) const { return roster.find(key(id, realm)); }
  Cell user(std::string_view id, uint16_t realm = 0) {
    const Cell there = find(id, realm);
    return there == no_cell ? roster.add(key(id, realm)) : there;
  }
  // The first ids from `prefix` on that fall into a partition.
  std::vector<std::string> ids_in(uint32_t partition, std::size_t count,
                                  const std::string& prefix = "user") const {
    std::vector<std::string> ids;
    for (int number = 0; ids.size() < count; number++) {
      const std::string id = prefix + std::to_string(number);
      if (key(id).partition() == partition) ids.push_back(id);
    }
    return ids;
  }

  // ---- what they do
  Touched touch(std::string_view id, const Touch& touch = {}) {
    return roster.touch(user(id), touch, policy, now);
  }
  Touched touch_seen_at(std::string_view id, Time seen_at) {
    return roster.touch(user(id), {seen_at, std::nullopt, 1}, policy, now);
  }
  // In a transaction of its own, which commits at once.
  void commit(std::string_view id, Ask ask) {
    const Cell cell = user(id);
    roster.claim(cell);
    if (ask.at == 0) ask.at = now;
    auto wish = reserve_wish(region, ask);
    ASSERT_TRUE(wish);
    roster.grant(cell, *wish, policy, now);
    roster.drop_claim(cell);
  }
  void choose(std::string_view id, Status status, Time until = never,
              std::optional<std::string> message = std::nullopt) {
    commit(id, {ChangeKind::choose, status, now, until, message, Reason::manual, {}});
  }
  void commit(std::string_view id, ChangeKind kind,
              std::optional<std::string> message = std::nullopt, Time until = never) {
    commit(id, {kind, Status::offline, now, until, message, Reason::manual, {}});
  }
  // ---- and their sessions
  void connect(std::string_view id, std::string_view session, Status says = Status::online,
               Duration lease = 0) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = says;
    ask.reason = Reason::connect;
    ask.session = session;
    ask.lease = lease;
    commit(id, ask);
  }
  void say(std::string_view id, std::string_view session, Status status) {
    Ask ask;
    ask.kind = ChangeKind::say;
    ask.status = status;
    ask.session = session;
    commit(id, ask);
  }
  void connect_by(std::string_view id, std::string_view session, const std::string& gateway,
                  Status says = Status::online) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = says;
    ask.reason = Reason::connect;
    ask.session = session;
    ask.gateway = gateway;
    commit(id, ask);
  }
  void disconnect(std::string_view id, std::string_view session, Reason reason,
                  const std::string& words = {}) {
    Ask ask;
    ask.kind = ChangeKind::disconnect;
    ask.reason = reason;
    ask.reason_text = words;
    ask.session = session;
    commit(id, ask);
  }
  void disconnect(std::string_view id, std::string_view session) {
    disconnect(id, session, Reason::disconnect);
  }
  void log_out(std::string_view id) {
    Ask ask;
    ask.kind = ChangeKind::log_out;
    ask.reason = Reason::logout;
    commit(id, ask);
  }
  // As presence_gateway: it is there.
  void hear_gateway(const std::string& name, Duration lease = 15 * second) {
    const Cell cell = region.sessions.hold_gateway(region.realm(0).gateways, name, lease, now, 1);
    region.pool.at<Gateway>(cell).heard_at.store(now);
    region.sessions.release_gateway(cell);
  }
  SessionKey session_key(std::string_view session, uint16_t realm = 0) const {
    return region.session_key(realm, session);
  }
  Cell session(std::string_view session, uint16_t realm = 0) const {
    return region.sessions.find(session_key(session, realm)).session;
  }
  bool heartbeat(std::string_view id, bool& changed) {
    const Cell cell = session(id);
    changed = false;
    return cell != no_cell && roster.heartbeat(cell, policy, now, changed);
  }
  bool heartbeat(std::string_view id) {
    bool changed;
    return heartbeat(id, changed);
  }
  Touched touch_in(std::string_view id, std::string_view session) {
    Touch touch;
    touch.session = session_key(session);
    return roster.touch(user(id), touch, policy, now);
  }

  void settle() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster.settle(0, partition, policy, now, 1)) {
      }
  }
  void reschedule() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.apply_policy(0, partition, policy, now);
  }

  // ---- how they look
  const UserView& view(std::string_view id, std::span<const Wish> wishes = {}) {
    roster.view(find(id), wishes, policy, now, view_);
    return view_;
  }
  Status status(std::string_view id) const { return roster.status_at(find(id), {}, policy, now); }
  // As of the last settle.
  Status stored_status(std::string_view id) const { return stored(id).status; }
  const User& stored(std::string_view id) const { return region.pool.at<User>(find(id)); }
  Persist persist(std::string_view id) const { return stored(id).persist; }
  Counts counts() const {
    Counts counts;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.count(0, partition, counts);
    return counts;
  }
  Time next_due() const {
    Time due = never;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      due = std::min(due, roster.next_due(0, partition, policy));
    return due;
  }

  // ---- the worker
  bool take_announcement(uint32_t partition) {
    const bool told = roster.take_announcement(0, partition, policy, false, user_news_);
    if (told) view_ = user_news_.user;
    return told;
  }
  std::vector<Told> announcements() {
    std::vector<Told> all;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(partition))
        all.push_back({std::string(view_.id()), view_.announced, view_.status,
                       std::string(view_.message()), std::string(view_.reason_name()),
                       view_.changed_at});
    return all;
  }
  // Begins to write whoever waits, and says who that is.
  std::vector<std::string> begin_writing() {
    std::vector<std::string> ids;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (roster.begin_writing(0, partition, policy, now, view_)) ids.emplace_back(view_.id());
    return ids;
  }
  void write_all() {
    announcements();
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.flush(0, partition);
    for (const std::string& id : begin_writing()) roster.end_writing(find(id));
  }

  TestRegion memory;
  Region& region = memory.region;
  Roster roster{region};
  Policy policy;
  Time now = start;
  uint32_t held = 0;  // cells of wishes that are still open when the test ends
  UserView view_;
  UserNews user_news_;
};

}  // namespace presence::test
