// game_worker.cpp: what the worker does: settle, tell, write.
#include "game.h"

namespace presence::test {

void Game::settle() {
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

void Game::settle_one() {
  const Key key = some_key();
  const Cell cell = roster_.find(user_key(key));
  if (cell == no_cell) return;
  log("settle " + short_name(key));
  roster_.settle_user(cell, model_.policy, now_);
  model_.settle(model_.users.at(key), now_);
}

void Game::take_announcements() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (take_announcement(realm, partition)) {
    }
}

bool Game::take_announcement(uint16_t realm, uint32_t partition) {
  const bool told = roster_.take_announcement(realm, partition, model_.policy, false, user_news_);
  Key key;
  if (told) {
    view_ = user_news_.user;
    key = {realm, std::string(view_.id())};
    log("tell of " + short_name(key));
    expect(model_.users.count(key) == 1, "an announcement is of a user");
    const NaiveUser& user = model_.users.at(key);
    expect(model_.is_to_be_told(user), "an announcement is of a user who changed");
    expect(view_.announced == user.announced, "an announcement has the previous status");
    expect(view_.status == user.visible.status, "an announcement has the status");
    expect(view_.message() == user.visible.message, "an announcement has the message");
    expect(view_.changed_at == user.changed_at, "an announcement has the moment");
    // Rules alone have no reason.
    if (user.visible.status != user.announced || user.message_changed || user.data_changed)
      expect_reason(user);
    expect(view_.data() == user.data && view_.data_changed == user.data_changed,
           "an announcement has the data");
    compare_news(key);
    believe(key);
    model_.take_announcement(key);
  }
  // Whoever is back to what was told was passed over.
  std::vector<Key> passed;
  for (auto& [other, user] : model_.users) {
    if (other.first != realm || !user.to_announce) continue;
    if (user_key(other).partition() != partition) continue;
    const Cell cell = roster_.find(user_key(other));
    const bool was_taken = cell == no_cell || !region_.pool.at<User>(cell).to_announce;
    expect(!was_taken || !model_.is_to_be_told(user), "nobody who changed is passed over");
    expect(told || was_taken, "nobody is left when there is no announcement");
    if (was_taken) passed.push_back(other);
  }
  for (const Key& other : passed) model_.take_announcement(other);
  return told;
}

// One batch at a time.
void Game::begin_writing() {
  if (!being_written_.empty()) return;
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (begin_writing(realm, partition, !dice_.one_in(4))) {
    }
}

bool Game::begin_writing(uint16_t realm, uint32_t partition, bool succeeds) {
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
      rows_[key] = {view_.status,
                    view_.last_seen,
                    std::string(view_.page()),
                    std::string(view_.data()),
                    view_.activity_count,
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
void Game::end_writing() {
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

void Game::mark_for_writing() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  const bool flushes = dice_.one_in(2);
  log(flushes ? "flush" : "try again");
  for (uint32_t partition = 0; partition < partition_count; partition++)
    flushes ? roster_.flush(realm, partition) : roster_.try_again(realm, partition);
  model_.mark_all(flushes ? Persist::dirty : Persist::held, Persist::waiting, realm);
}

void Game::recover_writing() {
  log("another worker begins");
  for (uint16_t realm = 0; realm < realms; realm++) {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster_.recover_writing(realm, partition);
    model_.mark_all(Persist::writing, Persist::waiting, realm);
  }
  being_written_.clear();
  end_session_rows(false);
  end_member_rows(false);
  end_activities(false);
}

}  // namespace presence::test
