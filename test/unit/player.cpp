// player.cpp: the steps, and the comparisons after each.
#include "player.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "naive_model.h"
#include "region_check.h"

namespace presence::test {

namespace {

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

constexpr Time start = 840'000'000 * second + 17 * millisecond;  // 2026
constexpr uint16_t realms = 2;

const std::array<std::string, 6> ids = {
    "a", "bob", text_of(32, 'c'), text_of(36, 'd'), text_of(37, 'e'), text_of(128, 'f')};

constexpr std::array<Duration, 12> pauses = {1,
                                             second,
                                             10 * second,
                                             30 * second,
                                             minute,
                                             90 * second,
                                             5 * minute - 1,
                                             5 * minute,
                                             7 * minute,
                                             29 * minute,
                                             30 * minute,
                                             31 * minute};

constexpr std::array<Policy, 4> policies = {
    Policy{}, Policy{minute, 2 * minute, 30 * second}, Policy{10 * second, 40 * minute, 90 * second},
    Policy{20 * minute, 25 * minute, 10 * minute}};

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

std::string short_name(const Key& key) {
  return key.second.substr(0, 3) + "@" + std::to_string(key.first);
}

std::string when(Time at) {
  if (at == never) return "never";
  if (at == forever_ago) return "forever ago";
  return std::to_string((at - start) / second) + "." +
         std::to_string(std::abs((at - start) % second)) + "s";
}

std::string describe(const Ask& ask) {
  static constexpr std::array kinds = {"choose", "be_automatic", "clear", "set_message", "leave", "forget"};
  std::string text = kinds[static_cast<std::size_t>(ask.kind)];
  if (ask.kind == ChangeKind::choose) text += " " + std::string(presence::name_of(ask.status));
  text += " at " + when(ask.at) + " until " + when(ask.until);
  if (ask.message) text += " message '" + ask.message->substr(0, 5) + "'(" + std::to_string(ask.message->size()) + ")";
  return text;
}

class Game {
 public:
  Game(std::span<const uint8_t> bytes, bool keeps_log)
      : dice_(bytes),
        keeps_log_(keeps_log),
        memory_({12 + dice_.below(60), realms, 1 + dice_.below(2)}),
        region_(memory_.region),
        roster_(region_) {}

  std::string play() {
    try {
      while (!dice_.is_used_up()) {
        step();
        compare_all();
      }
      come_to_rest();
      return {};
    } catch (const Mismatch& mismatch) {
      return mismatch.what + "\n" + log_ + dump();
    } catch (const std::exception& error) {
      return std::string("THROWN: ") + error.what() + "\n" + log_ + dump();
    }
  }

 private:
  // ---- what happens

  void step() {
    switch (dice_.below(24)) {
      case 0: case 1: case 2: case 3: return touch();
      case 4: case 5: case 6: return let_time_pass();
      case 7: case 8: case 9: case 10: return wish();
      case 11: return commit(some_transaction());
      case 12: return roll_back(some_transaction());
      case 13: return claim_alone();
      case 14: return settle();
      case 15: return settle_one();
      case 16: return take_announcements();
      case 17: return begin_writing();
      case 18: return end_writing();
      case 19: return mark_for_writing();
      case 20: return evict();
      case 21: return load();
      case 22: return connect();
      case 23: return something_rare();
    }
  }

  void something_rare() {
    switch (dice_.below(4)) {
      case 0: return change_policy();
      case 1: return blank_all();
      case 2: return remove_all();
      case 3: return recover_writing();
    }
  }

  Key some_key() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    return {realm, dice_.one_of(ids)};
  }
  UserKey user_key(const Key& key) const { return region_.key(key.first, key.second); }
  uint32_t free_cells() const { return region_.pool.count() - region_.pool.used(); }

  // As a backend does: who is not there is loaded from the row, or is new.
  Cell bring(const Key& key) {
    const Cell there = roster_.find(user_key(key));
    if (there != no_cell) return there;
    const auto row = rows_.find(key);
    return row == rows_.end() ? add(key) : load(key, row->second, never);
  }

  Cell add(const Key& key) {
    const uint32_t needed = 1 + (key.second.size() > User::short_id);
    const uint32_t free = free_cells();
    const Cell cell = roster_.add(user_key(key));
    log("add " + short_name(key) + (cell == no_cell ? ": full" : ""));
    expect((cell != no_cell) == (needed <= free), "add has room");
    if (cell != no_cell) model_.add(key);
    return cell;
  }

  Cell load(const Key& key, const NaiveRow& row, Time session_ends_at) {
    Row given;
    given.status = row.status;
    given.last_seen = row.last_seen;
    given.page = row.page;
    given.activity_count = row.activity_count;
    given.session_ends_at = session_ends_at;
    uint32_t needed = 1 + (key.second.size() > User::short_id) + cells_of_text(row.page.size()) +
                      !row.choices.empty() + (row.status != Status::offline);
    for (auto choice = row.choices.rbegin(); choice != row.choices.rend(); ++choice) {
      given.choices.layers[given.choices.count++] = {choice->status.value_or(Status::offline),
                                                     choice->until, choice->message_until,
                                                     choice->message};
      needed += cells_of_text(choice->message.size());
    }
    const uint32_t free = free_cells();
    const Cell cell = roster_.load(user_key(key), given, model_.policy, now_);
    log("load " + short_name(key) + " " + std::string(presence::name_of(row.status)) +
        " last seen " + when(row.last_seen) + " session until " + when(session_ends_at) +
        (cell == no_cell ? ": full" : ""));
    expect((cell != no_cell) == (needed <= free), "load has room");
    if (cell != no_cell) model_.load(key, row, session_ends_at, now_);
    return cell;
  }

  void touch() {
    const Key key = some_key();
    const Cell cell = bring(key);
    if (cell == no_cell) return;
    Touch touch;
    if (dice_.one_in(4)) touch.seen_at = now_ - dice_.one_of(pauses) + 10 * second;
    std::optional<std::string> page;
    if (dice_.one_in(2)) page = text_of(dice_.one_of(std::array{0u, 1u, 120u, 121u, 240u}), "pq"[dice_.below(2)]);
    if (page) touch.page = *page;
    touch.interactions = dice_.below(3);

    NaiveUser& user = model_.users.at(key);
    // Settling may give cells back; only what is left then counts.
    model_.settle(user, now_);
    roster_.settle_user(cell, model_.policy, now_);
    const uint32_t free = free_cells();
    const uint32_t needed =
        (page && *page != user.page ? cells_of_text(page->size()) : 0) +
        model_.touch_needs_session(user, touch.seen_at, now_);
    const Touched touched = roster_.touch(cell, touch, model_.policy, now_);
    log("touch " + short_name(key) + " seen at " + (touch.seen_at ? when(*touch.seen_at) : "now") +
        (page ? " on a page of " + std::to_string(page->size()) : "") + (touched.full ? ": full" : ""));
    expect(touched.full == (needed > free), "touch has room");
    if (!touched.full) {
      const bool before = user.to_announce;
      model_.touch(user, touch.seen_at, page, touch.interactions, now_);
      expect(touched.changed == (user.to_announce && !before), "touch says that there is something to tell");
    }
    expect(touched.status == user.visible.status, "touch answers with the status");
  }

  // A session of its own with heartbeats or a lease: nothing in the roster makes one yet, but
  // whatever is there must be merged by the rules.
  void connect() {
    const Key key = some_key();
    const Cell cell = bring(key);
    if (cell == no_cell) return;
    NaiveSession session;
    session.said = dice_.one_of(std::array{Status::online, Status::away, Status::busy});
    session.active_at = now_ - dice_.one_of(std::array{Duration{0}, second, minute, 6 * minute});
    if (dice_.one_in(2)) session.heard_at = now_;
    if (dice_.one_in(2)) session.lease = dice_.one_of(std::array{10 * second, 2 * minute, 240 * minute});
    if (dice_.one_in(4)) session.ends_at = now_ + 10 * second;
    NaiveFacts alone;
    alone.sessions = {session};
    if (free_cells() == 0 || !alone.is_connected(model_.policy, now_)) return;

    roster_.settle_user(cell, model_.policy, now_);
    NaiveUser& user = model_.users.at(key);
    model_.connect(user, session, now_);
    const Cell made = region_.pool.take();
    Session& record = *new (&region_.pool.at<Session>(made)) Session{};
    record.facts = {session.said, session.active_at, session.heard_at.value_or(forever_ago),
                    session.ends_at.value_or(never), session.lease};
    record.next = region_.pool.at<User>(cell).sessions;
    region_.pool.at<User>(cell).sessions = made;
    log("connect " + short_name(key) + " as " + std::string(presence::name_of(session.said)) + " active at " + when(session.active_at) +
        (session.heard_at ? " heard" : "") + " lease " + std::to_string(session.lease / second) + " ends at " + when(session.ends_at.value_or(never)));
    expect(!roster_.touch(cell, {}, model_.policy, now_).full, "a touch of a live session needs no room");
    model_.touch(user, std::nullopt, std::nullopt, 1, now_);
  }

  void let_time_pass() {
    Duration by = dice_.one_of(pauses);
    if (dice_.one_in(3)) {
      Time due = never;
      for (uint16_t realm = 0; realm < realms; realm++)
        for (uint32_t partition = 0; partition < partition_count; partition++)
          due = std::min(due, roster_.next_due(realm, partition, model_.policy));
      if (due != never && due > now_) by = due - now_ - dice_.below(2);
    }
    now_ += by;
    log("it is " + when(now_));
  }

  // ---- transactions

  Claimed* claim(Transaction& transaction, const Key& key) {
    if (Claimed* claimed = transaction.find(key)) return claimed;
    const Cell cell = bring(key);
    if (cell == no_cell) return nullptr;
    roster_.settle_user(cell, model_.policy, now_);
    roster_.claim(cell);
    NaiveUser& user = model_.users.at(key);
    model_.settle(user, now_);
    user.claims++;
    transaction.claimed.push_back({key, cell, {}, std::nullopt});
    return &transaction.claimed.back();
  }

  // The row's lock: of two transactions that change a user the second waits for the first.
  bool is_locked_by_another(const Transaction& transaction, const Key& key) {
    for (Transaction& other : transactions_) {
      if (&other == &transaction) continue;
      const Claimed* claimed = other.find(key);
      if (claimed && !claimed->wishes.empty()) return true;
    }
    return false;
  }

  std::string some_message() {
    return dice_.one_of(std::array<std::string, 6>{"", "hi", "in a call", text_of(120, 'm'),
                                                   text_of(121, 'n'), text_of(300, 'o')});
  }

  Ask some_ask() {
    Ask ask;
    ask.kind = dice_.one_of(std::array{ChangeKind::choose, ChangeKind::choose, ChangeKind::choose,
                                       ChangeKind::be_automatic, ChangeKind::clear,
                                       ChangeKind::set_message, ChangeKind::leave, ChangeKind::forget});
    ask.at = now_;
    const bool expires = dice_.one_in(2);
    const bool has_message = dice_.one_in(2);
    if (ask.kind == ChangeKind::choose)
      ask.status = dice_.one_of(std::array{Status::away, Status::busy});
    if (expires && (ask.kind == ChangeKind::choose || ask.kind == ChangeKind::set_message))
      ask.until = now_ + dice_.one_of(pauses);
    if (has_message && ask.kind != ChangeKind::clear && ask.kind != ChangeKind::forget)
      ask.message = some_message();
    if (dice_.one_in(3)) {
      ask.reason = Reason::custom;
      ask.reason_text = text_of(1 + dice_.below(64), 'r');
    }
    return ask;
  }

  Transaction& some_transaction() {
    return transactions_[dice_.below(static_cast<uint32_t>(transactions_.size()))];
  }
  std::string name_of(const Transaction& transaction) const {
    return "transaction " + std::to_string(&transaction - transactions_.data());
  }

  void wish() {
    Transaction& transaction = some_transaction();
    const Key key = some_key();
    const Ask ask = some_ask();
    if (is_locked_by_another(transaction, key)) return;
    Claimed* claimed = claim(transaction, key);
    if (!claimed) return;
    const uint32_t free = free_cells();
    const auto wish = reserve_wish(region_, ask);
    log(name_of(transaction) + ": " + short_name(key) + " " + describe(ask) + (wish ? "" : ": full"));
    expect(wish.has_value() == (cells_of_wish(ask) <= free), "a wish has room");
    if (!wish) return;
    held_ += cells_of_wish(ask);
    claimed->wishes.push_back({ask, *wish});
    compare_view(*claimed, claimed->cell);
    claimed->row = row_of(claimed->cell, wishes_of(*claimed));
  }

  // A transaction that only locked the user, and that another one may overtake.
  void claim_alone() {
    Transaction& transaction = some_transaction();
    const Key key = some_key();
    if (claim(transaction, key)) log(name_of(transaction) + " claims " + short_name(key));
  }

  void commit(Transaction& transaction) {
    log(name_of(transaction) + " commits");
    for (Claimed& claimed : transaction.claimed) {
      NaiveUser& user = model_.users.at(claimed.key);
      for (OpenWish& open : claimed.wishes) {
        roster_.grant(claimed.cell, open.wish, model_.policy, now_);
        held_ -= cells_of_wish(open.ask);
        model_.grant(user, open.ask, now_);
        // Not sure whether the row still says so, the roster may have it written once more.
        const User& stored = region_.pool.at<User>(claimed.cell);
        if (user.row_is_current && !stored.row_is_current && stored.persist == Persist::waiting) {
          user.row_is_current = false;
          user.persist = Persist::waiting;
        }
      }
      if (!claimed.wishes.empty()) {
        if (claimed.wishes.back().ask.kind == ChangeKind::forget)
          rows_.erase(claimed.key);
        else
          rows_[claimed.key] = *claimed.row;
      }
      drop_claim(claimed);
    }
    transaction.claimed.clear();
  }

  void roll_back(Transaction& transaction) {
    log(name_of(transaction) + " rolls back");
    for (Claimed& claimed : transaction.claimed) {
      for (OpenWish& open : claimed.wishes) {
        roster_.free_wish(open.wish);
        held_ -= cells_of_wish(open.ask);
      }
      drop_claim(claimed);
    }
    transaction.claimed.clear();
  }

  void drop_claim(const Claimed& claimed) {
    const NaiveUser& user = model_.users.at(claimed.key);
    const bool awaited = user.claims == 1 && user.persist == Persist::held && !user.is_blank();
    expect(roster_.drop_claim(claimed.cell) == awaited, "dropping a claim says that it is awaited");
    model_.drop_claim(claimed.key);
  }

  static std::vector<Wish> wishes_of(const Claimed& claimed) {
    std::vector<Wish> wishes;
    for (const OpenWish& open : claimed.wishes) wishes.push_back(open.wish);
    return wishes;
  }
  static std::vector<Ask> asks_of(const Claimed& claimed) {
    std::vector<Ask> asks;
    for (const OpenWish& open : claimed.wishes) asks.push_back(open.ask);
    return asks;
  }

  NaiveRow row_of(Cell cell, const std::vector<Wish>& wishes) {
    roster_.view(cell, wishes, model_.policy, now_, view_);
    return {view_.status, view_.last_seen, std::string(view_.page()), view_.activity_count,
            read_back(cell, wishes)};
  }

  // ---- time, and the worker

  void settle() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    log("settle realm " + std::to_string(realm));
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      while (!roster_.settle(realm, partition, model_.policy, now_, 1)) {
      }
      expect(roster_.next_due(realm, partition, model_.policy) > now_, "nothing is due once settled");
    }
    for (auto& [key, user] : model_.users)
      if (key.first == realm) model_.settle(user, now_);
  }

  void settle_one() {
    const Key key = some_key();
    const Cell cell = roster_.find(user_key(key));
    if (cell == no_cell) return;
    log("settle " + short_name(key));
    roster_.settle_user(cell, model_.policy, now_);
    model_.settle(model_.users.at(key), now_);
  }

  void take_announcements() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(realm, partition)) {
      }
  }

  bool take_announcement(uint16_t realm, uint32_t partition) {
    const bool told = roster_.take_announcement(realm, partition, view_);
    Key key;
    if (told) {
      key = {realm, std::string(view_.id())};
      log("tell of " + short_name(key));
      expect(model_.users.count(key) == 1, "an announcement is of a user");
      const NaiveUser& user = model_.users.at(key);
      expect(NaiveModel::is_to_be_told(user), "an announcement is of a user who changed");
      expect(view_.announced == user.announced, "an announcement has the previous status");
      expect(view_.status == user.visible.status, "an announcement has the status");
      expect(view_.message() == user.visible.message, "an announcement has the message");
      expect(view_.changed_at == user.changed_at, "an announcement has the moment");
      expect_reason(user);
      model_.take_announcement(key);
    }
    // Whoever is back to what was told was passed over.
    std::vector<Key> passed;
    for (auto& [other, user] : model_.users) {
      if (other.first != realm || !user.to_announce) continue;
      if (user_key(other).partition() != partition) continue;
      const Cell cell = roster_.find(user_key(other));
      const bool was_taken = cell == no_cell || !region_.pool.at<User>(cell).to_announce;
      expect(!was_taken || !NaiveModel::is_to_be_told(user), "nobody who changed is passed over");
      expect(told || was_taken, "nobody is left when there is no announcement");
      if (was_taken) passed.push_back(other);
    }
    for (const Key& other : passed) model_.take_announcement(other);
    return told;
  }

  // One batch at a time.
  void begin_writing() {
    if (!being_written_.empty()) return;
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (begin_writing(realm, partition, !dice_.one_in(4))) {
      }
  }

  bool begin_writing(uint16_t realm, uint32_t partition, bool succeeds) {
    const bool begun = roster_.begin_writing(realm, partition, model_.policy, now_, view_);
    if (begun) {
      const Key key{realm, std::string(view_.id())};
      log("write " + short_name(key) + (succeeds ? "" : ", whose row is locked"));
      NaiveUser& user = model_.users.at(key);
      expect(user.persist == Persist::waiting && user.claims == 0, "who is written waited for it");
      expect(view_.status == user.visible.status, "the row gets the status as of the last look");
      user.persist = Persist::writing;
      user.written_again = false;
      const Cell cell = roster_.find(user_key(key));
      if (succeeds) {
        rows_[key] = {view_.status, view_.last_seen, std::string(view_.page()), view_.activity_count,
                      read_back(cell, {})};
      }
      being_written_.push_back({key, cell, succeeds});
    }
    // Whoever is claimed and was looked at is held.
    for (auto& [other, user] : model_.users) {
      if (other.first != realm || user.persist != Persist::waiting) continue;
      if (user_key(other).partition() != partition) continue;
      const Persist now = region_.pool.at<User>(roster_.find(user_key(other))).persist;
      expect(begun || now == Persist::held, "nobody is left when there is nothing to write");
      expect(now == Persist::waiting || user.claims > 0, "only the claimed are held");
      user.persist = now;
    }
    return begun;
  }

  // As the worker does: somebody may have been taken away meanwhile.
  void end_writing() {
    for (const BeingWritten& written : being_written_) {
      if (roster_.find(user_key(written.key)) != written.cell) continue;
      if (!roster_.is_being_written(written.cell)) continue;
      NaiveUser& user = model_.users.at(written.key);
      expect(user.persist == Persist::writing, "who is being written is");
      if (written.succeeds) {
        roster_.end_writing(written.cell);
        model_.end_writing(user);
      } else {
        roster_.give_up_writing(written.cell);
        user.persist = Persist::held;
      }
    }
    if (!being_written_.empty()) log("the worker's transaction is over");
    being_written_.clear();
  }

  void mark_for_writing() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    const bool flushes = dice_.one_in(2);
    log(flushes ? "flush" : "try again");
    for (uint32_t partition = 0; partition < partition_count; partition++)
      flushes ? roster_.flush(realm, partition) : roster_.try_again(realm, partition);
    model_.mark_all(flushes ? Persist::dirty : Persist::held, Persist::waiting, realm);
  }

  void recover_writing() {
    log("another worker begins");
    for (uint16_t realm = 0; realm < realms; realm++) {
      for (uint32_t partition = 0; partition < partition_count; partition++)
        roster_.recover_writing(realm, partition);
      model_.mark_all(Persist::writing, Persist::waiting, realm);
    }
    being_written_.clear();
  }

  // Not while somebody has written a row by the old policy, which is put right only by the next
  // change. And not with several sessions: one may have ended unnoticed, below a stronger one, and
  // a longer timeout brings it back or not, as it happens.
  void change_policy() {
    if (held_ > 0) return;
    for (const auto& [key, user] : model_.users) {
      const Cell first = region_.pool.at<User>(roster_.find(user_key(key))).sessions;
      if (first != no_cell && region_.pool.at<Session>(first).next != no_cell) return;
    }
    const Policy policy = dice_.one_of(policies);
    log("the policy is " + std::to_string(policy.idle_timeout / second) + " " +
        std::to_string(policy.offline_timeout / second) + " " + std::to_string(policy.session_timeout / second));
    for (uint16_t realm = 0; realm < realms; realm++)
      for (uint32_t partition = 0; partition < partition_count; partition++)
        while (!roster_.settle(realm, partition, model_.policy, now_, 100)) {
        }
    model_.change_policy(policy, now_);
    for (uint16_t realm = 0; realm < realms; realm++)
      for (uint32_t partition = 0; partition < partition_count; partition++)
        roster_.reschedule(realm, partition, policy, now_);
  }

  // ---- coming and going

  void evict() {
    const uint32_t partition = dice_.below(partition_count);
    const uint32_t wanted = 1 + dice_.below(3);
    const uint32_t evicted = roster_.evict(partition, wanted);
    log("evict from partition " + std::to_string(partition) + ": " + std::to_string(evicted));
    uint32_t evictable = 0;
    std::vector<Key> gone;
    for (const auto& [key, user] : model_.users) {
      if (user_key(key).partition() != partition) continue;
      evictable += user.is_evictable();
      if (roster_.find(user_key(key)) != no_cell) continue;
      expect(user.is_evictable(), "only who is offline, written, told and unclaimed is evicted");
      compare_row(key, user);
      gone.push_back(key);
    }
    expect(evicted == gone.size(), "evict says how many it was");
    expect(evicted == std::min(wanted, evictable), "evict finds whoever there is");
    for (const Key& key : gone) model_.users.erase(key);
  }

  std::vector<NaiveChoice> some_choices() {
    std::vector<NaiveChoice> choices;
    Time until = now_ + (dice_.one_in(2) ? dice_.one_of(pauses) : -second);
    for (uint32_t left = dice_.below(4); left > 0; left--) {
      NaiveChoice choice{dice_.one_of(std::array{Status::away, Status::busy}), until,
                         some_message(), until};
      if (choice.message.empty()) choice.message_until = never;
      choices.insert(choices.begin(), choice);
      until += dice_.one_of(pauses);
    }
    return choices;
  }

  // A row that somebody else wrote, by an import or before a restart.
  void load() {
    const Key key = some_key();
    if (roster_.find(user_key(key)) != no_cell) return;
    NaiveRow row;
    row.choices = some_choices();
    row.status = row.choices.empty() ? dice_.one_of(std::array{Status::online, Status::away, Status::offline})
                                     : *row.choices.back().status;
    if (dice_.one_in(4)) row.status = Status::offline;
    row.last_seen = now_ - dice_.one_of(pauses);
    if (row.status == Status::offline && dice_.one_in(4)) row.last_seen = forever_ago;
    row.page = text_of(dice_.one_of(std::array{0u, 1u, 121u}), 'l');
    row.activity_count = dice_.below(3);
    const bool is_restart = dice_.one_in(2);
    rows_[key] = row;
    load(key, row, is_restart ? now_ + model_.policy.session_timeout : never);
  }

  // Emptying the tables waits for whoever has written a row, not for those who only claim.
  void blank_all() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    for (const Transaction& transaction : transactions_)
      for (const Claimed& claimed : transaction.claimed)
        if (claimed.key.first == realm && !claimed.wishes.empty()) return;
    const uint32_t at_once = 1 + dice_.below(3);
    log("reset realm " + std::to_string(realm) + ", " + std::to_string(at_once) + " at once");
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      uint32_t calls = 0;
      while (!roster_.blank_all(realm, partition, at_once))
        expect(++calls <= ids.size(), "blank_all comes to an end");
    }
    std::erase_if(rows_, [&](const auto& row) { return row.first.first == realm; });
    std::erase_if(model_.users, [&](const auto& entry) {
      return entry.first.first == realm && entry.second.claims == 0;
    });
    for (auto& [key, user] : model_.users)
      if (key.first == realm) model_.blank(user);
  }

  // A realm is removed when nobody can have a transaction in it.
  void remove_all() {
    const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
    for (const Transaction& transaction : transactions_)
      for (const Claimed& claimed : transaction.claimed)
        if (claimed.key.first == realm) return;
    log("remove realm " + std::to_string(realm));
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster_.remove_all(realm, partition, 1)) {
      }
    std::erase_if(rows_, [&](const auto& row) { return row.first.first == realm; });
    std::erase_if(model_.users, [&](const auto& entry) { return entry.first.first == realm; });
  }

  // ---- comparisons

  void expect(bool holds, const char* what) const {
    if (!holds) throw Mismatch{std::string("MISMATCH: ") + what};
  }
  void expect(bool holds, const char* what, const Key& key) const {
    if (!holds) throw Mismatch{std::string("MISMATCH: ") + what + ": " + short_name(key)};
  }

  void expect_reason(const NaiveUser& user) const {
    expect(view_.reason == user.reason, "the reason");
    if (user.reason == Reason::custom)
      expect(std::string_view(view_.reason_text, view_.reason_bytes) == user.reason_text, "the reason's text");
  }

  void compare_all() {
    const std::string problem = find_problem(region_, held_);
    if (!problem.empty()) throw Mismatch{"BROKEN: " + problem};
    std::size_t there = 0;
    for (uint16_t realm = 0; realm < realms; realm++)
      for (const std::string& id : ids) {
        const Key key{realm, id};
        const Cell cell = roster_.find(user_key(key));
        expect((cell != no_cell) == (model_.users.count(key) == 1), "who is in memory", key);
        if (cell == no_cell) continue;
        there++;
        compare_user(key, cell);
      }
    expect(there == model_.users.size(), "everybody is somebody");
    for (Transaction& transaction : transactions_)
      for (const Claimed& claimed : transaction.claimed)
        if (!claimed.wishes.empty()) compare_view(claimed, claimed.cell);
    for (uint16_t realm = 0; realm < realms; realm++) compare_lists(realm);
  }

  // What is stored.
  void compare_user(const Key& key, Cell cell) {
    const NaiveUser& user = model_.users.at(key);
    const User& stored = region_.pool.at<User>(cell);
    expect(stored.status == user.visible.status, "the status as of the last look", key);
    expect(stored.announced == user.announced, "what was told", key);
    expect(stored.to_announce == user.to_announce, "whether there is something to tell", key);
    expect(stored.message_changed == user.message_changed, "whether the message changed", key);
    expect(stored.persist == user.persist, "where it stands with its row", key);
    expect(stored.claims == user.claims, "the claims", key);
    if (user.to_announce)
      expect(stored.row_is_current == user.row_is_current, "whether its row says so already", key);
    compare_view({key, cell, {}, std::nullopt}, cell);
    expect(view_.announced == user.announced, "the view has what was told", key);
    expect(view_.changed_at == user.changed_at, "the moment of the change", key);
    if (user.changed_at != forever_ago) expect_reason(user);
    if (stored.list == offline_list) return;
    // The next moment is never missed; it may be one at which nothing is seen to change.
    const Time due = is_regular(stored.list)
                         ? stored.last_seen + (stored.status == Status::online ? model_.policy.idle_timeout : model_.policy.offline_timeout)
                         : stored.due;
    expect(due <= next_change_of(user), "the deadline is not missed", key);
  }

  Time next_change_of(const NaiveUser& user) const {
    for (const Time moment : user.facts.moments(model_.policy))
      if (moment > user.looked_at && user.facts.visible(model_.policy, moment) != user.visible) return moment;
    return never;
  }

  // What is answered, now.
  void compare_view(const Claimed& claimed, Cell cell) {
    const Key& key = claimed.key;
    const NaiveUser& user = model_.users.at(key);
    const std::vector<Wish> wishes = wishes_of(claimed);
    const NaiveView wanted = model_.view(user, asks_of(claimed), now_);
    roster_.view(cell, wishes, model_.policy, now_, view_);
    expect(view_.cell == cell, "the view has the cell", key);
    expect(view_.id() == key.second, "the view has the id", key);
    expect(view_.status == wanted.visible.status, "the view has the status", key);
    expect(view_.message() == wanted.visible.message, "the view has the message", key);
    expect(view_.last_seen == wanted.last_seen, "the view has last_seen", key);
    expect(view_.has_last_seen == (wanted.last_seen != forever_ago), "the view says whether ever seen", key);
    expect(view_.session_count == wanted.session_count, "the view counts the sessions", key);
    expect(view_.activity_count == wanted.activity_count, "the view counts the activity", key);
    expect(view_.interactions_per_minute == wanted.interactions_per_minute, "the view has the interactions", key);
    expect(view_.page() == wanted.page, "the view has the page", key);
    expect(roster_.status_at(cell, wishes, model_.policy, now_) == wanted.visible.status, "status_at", key);
    expect(read_back(cell, wishes) == model_.choices(user, asks_of(claimed), now_), "the choices as a line", key);
  }

  // The line of choices as the model has them.
  std::vector<NaiveChoice> read_back(Cell cell, std::span<const Wish> wishes) {
    const std::size_t bytes = roster_.choices_line(cell, wishes, now_, line_.data());
    expect(bytes <= line_.size(), "the line has room");
    const auto read = read_choices({line_.data(), bytes});
    expect(read.has_value(), "the line is read back");
    std::vector<NaiveChoice> choices;
    for (std::size_t i = read->count; i > 0; i--) {
      const LayerText& layer = read->layers[i - 1];
      NaiveChoice choice{layer.status, layer.until, std::string(layer.message), layer.message_until};
      if (layer.status == Status::offline) choice.status.reset();
      if (choice.message.empty()) choice.message_until = never;
      // A message that moved up leaves a layer without anything behind.
      if (choice.status || !choice.message.empty()) choices.push_back(choice);
    }
    return choices;
  }

  void compare_lists(uint16_t realm) {
    Counts counts;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster_.count(realm, partition, counts);
    expect(counts.online == in_status(realm, Status::online).size(), "the online are counted");
    expect(counts.away == in_status(realm, Status::away).size(), "the away are counted");
    expect(counts.busy == in_status(realm, Status::busy).size(), "the busy are counted");
    for (const Status status : {Status::online, Status::busy, Status::away}) compare_order(realm, status);
  }

  std::vector<std::pair<Time, std::string>> in_status(uint16_t realm, Status status) const {
    std::vector<std::pair<Time, std::string>> found;
    for (const auto& [key, user] : model_.users)
      if (key.first == realm && user.visible.status == status)
        found.emplace_back(-user.facts.last_seen, key.second);
    std::sort(found.begin(), found.end());
    return found;
  }

  // The best few, as presence_online_users finds them.
  void compare_order(uint16_t realm, Status status) {
    const auto wanted = in_status(realm, status);
    for (std::size_t limit = 0; limit <= 3; limit++) {
      std::array<Time, 3> best;
      Cutoff cutoff{{best.data(), limit}, 0, forever_ago};
      for (uint32_t partition = 0; partition < partition_count; partition++)
        roster_.find_cutoff(realm, partition, status, cutoff);
      expect(cutoff.count == std::min(limit, wanted.size()), "the cutoff counts");
      if (limit == 0) continue;
      const Time not_before = cutoff.count == limit ? best[0] : forever_ago;
      std::vector<std::pair<Time, std::string>> found;
      for (uint32_t partition = 0; partition < partition_count; partition++) {
        std::array<Candidate, ids.size()> room;
        const std::size_t count = roster_.collect(realm, partition, status, not_before, room);
        for (std::size_t i = 0; i < count; i++) {
          expect(i == 0 || room[i - 1].last_seen >= room[i].last_seen, "the newest come first");
          found.emplace_back(-room[i].last_seen, std::string(room[i].id()));
        }
      }
      std::sort(found.begin(), found.end());
      expect(found.size() >= std::min(limit, wanted.size()), "enough are collected");
      for (std::size_t i = 0; i < std::min(limit, wanted.size()); i++)
        expect(found[i] == wanted[i], "the best are collected");
    }
  }

  // ---- the end

  // Everything is committed, told and written.
  void come_to_rest() {
    for (Transaction& transaction : transactions_) commit(transaction);
    end_writing();
    for (auto& [key, user] : model_.users) model_.settle(user, now_);
    for (uint16_t realm = 0; realm < realms; realm++) {
      for (uint32_t partition = 0; partition < partition_count; partition++) {
        roster_.settle(realm, partition, model_.policy, now_, ids.size());
        while (take_announcement(realm, partition)) {
        }
        roster_.flush(realm, partition);
        roster_.try_again(realm, partition);
      }
      model_.mark_all(Persist::dirty, Persist::waiting, realm);
      model_.mark_all(Persist::held, Persist::waiting, realm);
      for (uint32_t partition = 0; partition < partition_count; partition++)
        while (begin_writing(realm, partition, true)) {
        }
    }
    end_writing();
    compare_all();
    for (const auto& [key, user] : model_.users) {
      expect(user.persist == Persist::current && !user.to_announce, "at rest", key);
      compare_row(key, user);
    }
  }

  // What of these choices is in force or may come back.
  std::vector<NaiveChoice> still_to_come(const std::vector<NaiveChoice>& choices) const {
    NaiveFacts facts;
    facts.choices = choices;
    facts.prune(model_.policy, now_);
    for (NaiveChoice& choice : facts.choices)
      if (choice.message_until <= now_) choice = {choice.status, choice.until, {}, never};
    std::erase_if(facts.choices, [](const NaiveChoice& choice) {
      return !choice.status && choice.message.empty();
    });
    return facts.choices;
  }

  // Nothing that memory knows is missing in the table.
  void compare_row(const Key& key, const NaiveUser& user) const {
    if (user.is_blank()) return;
    const auto found = rows_.find(key);
    expect(found != rows_.end(), "whoever is known has a row", key);
    const NaiveRow& row = found->second;
    expect(row.status == user.visible.status, "the row has the status", key);
    expect(row.last_seen == user.facts.last_seen, "the row has last_seen", key);
    expect(row.page == user.page, "the row has the page", key);
    expect(row.activity_count == user.activity_count, "the row has the activity", key);
    expect(still_to_come(row.choices) == still_to_come(user.facts.choices), "the row has the choices", key);
  }

  // ---- words

  void log(const std::string& line) {
    if (keeps_log_) log_ += "  " + line + "\n";
  }

  static std::string lines_of(const std::vector<NaiveChoice>& choices) {
    std::string text;
    for (const NaiveChoice& choice : choices)
      text += "    choice " + std::string(choice.status ? presence::name_of(*choice.status) : "-") +
              " until " + when(choice.until) + " '" + choice.message.substr(0, 5) + "' until " +
              when(choice.message_until) + "\n";
    return text;
  }

  std::string dump() const {
    std::ostringstream out;
    out << "It is " << when(now_) << ", " << free_cells() << " cells are free.\n";
    for (const auto& [key, user] : model_.users) {
      out << short_name(key) << ": model " << presence::name_of(user.visible.status) << " '"
          << user.visible.message.substr(0, 5) << "' since " << when(user.changed_at) << " ("
          << presence::name_of(user.reason) << "), told " << presence::name_of(user.announced)
          << (user.to_announce ? ", to tell" : "") << ", row state " << static_cast<int>(user.persist)
          << (user.row_is_current ? ", row is current" : "") << ", " << user.claims << " claims, last seen "
          << when(user.facts.last_seen) << "\n";
      for (const NaiveSession& session : user.facts.sessions)
        out << "    session says " << presence::name_of(session.said) << ", active " << when(session.active_at)
            << ", heard " << when(session.heard_at.value_or(forever_ago)) << ", lease "
            << session.lease / second << ", ends " << when(session.ends_at.value_or(never)) << "\n";
      out << lines_of(user.facts.choices);
      const Cell cell = roster_.find(user_key(key));
      if (cell == no_cell) {
        out << "    is not in memory\n";
        continue;
      }
      const User& stored = region_.pool.at<User>(cell);
      out << "    roster " << presence::name_of(stored.status) << " since " << when(stored.changed_at) << " ("
          << presence::name_of(stored.reason) << "), told " << presence::name_of(stored.announced)
          << (stored.to_announce ? ", to tell" : "") << ", row state " << static_cast<int>(stored.persist)
          << (stored.row_is_current ? ", row is current" : "") << ", " << stored.claims << " claims, last seen " << when(stored.last_seen)
          << ", list " << int{stored.list} << ", due " << when(stored.due) << "\n";
    }
    for (const auto& [key, row] : rows_)
      out << short_name(key) << ": row " << presence::name_of(row.status) << ", last seen "
          << when(row.last_seen) << "\n"
          << lines_of(row.choices);
    return out.str();
  }

  Dice dice_;
  bool keeps_log_;
  TestRegion memory_;
  Region& region_;
  Roster roster_;
  NaiveModel model_;
  std::map<Key, NaiveRow> rows_;  // the table
  std::array<Transaction, 3> transactions_;
  std::vector<BeingWritten> being_written_;
  Time now_ = start;
  uint32_t held_ = 0;  // cells of open wishes
  UserView view_;
  std::array<char, max_choices_bytes> line_;
  std::string log_;
};

}  // namespace

std::string play(std::span<const uint8_t> bytes) {
  if (Game(bytes, false).play().empty()) return {};
  return Game(bytes, true).play();
}

}  // namespace presence::test
