// game_session_rows.cpp: what the worker writes of sessions and activities.
#include <algorithm>

#include "game.h"

namespace presence::test {

// ---- the rows of sessions

// A transaction takes what waits, in either order, and is over at another step.
void Game::work_on_session_rows() {
  if (works_on_session_rows_) return end_session_rows(!dice_.one_in(4));
  works_on_session_rows_ = true;
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  const bool flushes = dice_.one_in(2), deletes_first = dice_.one_in(2);
  const bool tries_again = dice_.one_in(2);
  const uint32_t at_most = 1 + dice_.below(3);
  log("write rows of sessions");
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    if (flushes) roster_.flush_sessions(realm, partition);
    if (tries_again) roster_.try_session_rows_again(realm, partition);
    begin_session_rows(realm, partition, deletes_first, at_most);
    begin_session_rows(realm, partition, !deletes_first, at_most);
  }
}

void Game::begin_session_rows(uint16_t realm, uint32_t partition, bool deletes, uint32_t at_most) {
  SessionView& view = session_view_;
  for (; at_most > 0; at_most--) {
    const bool begun =
        deletes ? roster_.begin_deleting_session(realm, partition, view)
                : roster_.begin_writing_session(realm, partition, model_.policy, now_, view);
    if (!begun) {
      const RowState state = deletes ? RowState::ended : RowState::waiting;
      expect(!roster_.has_sessions(realm, partition, state),
             "no row is left when there is none to write");
      return;
    }
    const Key key{realm, std::string(view.id())};
    log((deletes ? "delete the row of " : "write the row of ") + key.second.substr(0, 3));
    const Key* owner = model_.owner(realm, key.second);
    SessionWork work{key, deletes, false, {}};
    work.row.connected_at = view.connected_at;
    if (deletes) {
      const NaiveSession* alive =
          owner ? model_.users.at(*owner).facts.session(key.second) : nullptr;
      expect(!alive || alive->connected_at != view.connected_at, "no row of the living is deleted");
    } else {
      expect(owner != nullptr, "a row that is written is of a session");
      compare_session(view, *model_.users.at(*owner).facts.session(key.second), *owner);
      work.has_details = view.has_details;
      work.row = {std::string(view.user_id()),
                  view.status,
                  view.connected_at,
                  view.active_at,
                  view.heard_at,
                  view.lease * millisecond,
                  std::string(view.page()),
                  std::string(view.details()),
                  std::string(view.gateway())};
    }
    session_work_.push_back(work);
  }
}

// A row is deleted by its session's id and begin: another one of the same id may have it by now.
void Game::end_session_rows(bool committed) {
  if (!session_work_.empty()) log(committed ? "rows of sessions are committed" : "and are not");
  for (const SessionWork& work : session_work_) {
    if (!committed) break;
    const auto there = session_rows_.find(work.key);
    const bool is_same =
        there != session_rows_.end() && there->second.connected_at == work.row.connected_at;
    if (work.deletes) {
      if (is_same) session_rows_.erase(there);
      continue;
    }
    const std::string details = is_same ? there->second.details : std::string{};
    session_rows_[work.key] = work.row;
    if (!work.has_details) session_rows_[work.key].details = details;
  }
  session_work_.clear();
  works_on_session_rows_ = false;
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      roster_.end_session_rows(realm, partition, committed);
      expect(!roster_.has_sessions(realm, partition, RowState::writing) &&
                 !roster_.has_sessions(realm, partition, RowState::deleting),
             "nothing is being written any more");
    }
}

// At rest the table is what memory knows.
void Game::compare_session_rows() const {
  std::size_t count = 0;
  for (const auto& [key, user] : model_.users)
    for (const NaiveSession& session : user.facts.sessions) {
      if (session.id.empty()) continue;
      count++;
      const auto found = session_rows_.find({key.first, session.id});
      expect(found != session_rows_.end(), "a session has a row", key);
      const NaiveSessionRow& row = found->second;
      expect(row.user == key.second, "the row of a session has its user", key);
      expect((row.status == Status::busy) == (session.said == Status::busy),
             "the row of a session has its status", key);
      expect(session.said != Status::away || row.status == Status::away,
             "the row of a session says that it is away", key);
      expect(row.connected_at == session.connected_at, "the row of a session has its begin", key);
      expect(row.active_at == session.active_at, "the row of a session has its activity", key);
      expect(session.gateway || row.heard_at == session.heard_at.value_or(forever_ago),
             "the row of a session has its heartbeat", key);
      expect(row.lease == session.lease, "the row of a session has its lease", key);
      expect(row.page == session.page, "the row of a session has its page", key);
      expect(row.details == session.details, "the row of a session has its details", key);
      expect(row.gateway == session.gateway_name, "the row of a session has its gateway", key);
    }
  expect(session_rows_.size() == count, "no row of a session is left over");
}

// ---- activities

namespace {

uint32_t cells_of_activity(const NaiveActivity& activity) {
  constexpr std::size_t head_bytes = 24;
  return cells_of_text(head_bytes + activity.user_id.size() + activity.type.size() +
                       activity.page.size() + activity.session_id.size());
}

}  // namespace

void Game::queue_activity() {
  const Key key = some_key();
  const uint32_t partition = user_key(key).partition(), at_most = 1 + dice_.below(4);
  NaiveActivity wanted{now_, key.second, text_of(1 + dice_.below(64), 'y'),
                       text_of(dice_.one_of(std::array{0u, 7u, 300u}), 'p'),
                       dice_.one_in(2) ? std::string{} : dice_.one_of(session_ids)};
  std::deque<NaiveActivity>& queue = queued_[{key.first, partition}];
  const uint32_t needed = cells_of_activity(wanted);
  uint32_t cells = 0;
  for (const NaiveActivity& waiting : queue) cells += cells_of_activity(waiting);
  const bool fits = cells < at_most && needed <= free_cells();
  const bool queued = roster_.queue_activity(
      key.first, partition,
      {wanted.at, wanted.user_id, wanted.type, wanted.page, wanted.session_id}, at_most);
  log("activity of " + short_name(key) + (queued ? "" : ": full"));
  expect(queued == fits, "an activity has room", key);
  if (queued) queue.push_back(wanted);
  expect(roster_.queued_activities(key.first, partition) == queue.size(), "activities are counted",
         key);
}

void Game::work_on_activities() {
  const bool any_taken = std::any_of(taken_.begin(), taken_.end(),
                                     [](const auto& taken) { return !taken.second.empty(); });
  if (any_taken) return end_activities(dice_.one_in(2));
  const uint32_t at_most = 1 + dice_.below(3);
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++)
      take_activities(realm, partition, at_most);
}

// The oldest first, but of whom is being forgotten.
void Game::take_activities(uint16_t realm, uint32_t partition, uint32_t at_most) {
  std::deque<NaiveActivity>& queue = queued_[{realm, partition}];
  for (; at_most > 0; at_most--) {
    const bool taken = roster_.begin_writing_activity(realm, partition, activity_view_);
    const auto oldest = std::find_if(queue.begin(), queue.end(), [&](const NaiveActivity& one) {
      return !being_forgotten_.contains({realm, one.user_id});
    });
    expect(taken == (oldest != queue.end()), "an activity is taken when there is one");
    if (!taken) return;
    const Activity& activity = activity_view_.activity;
    const NaiveActivity is{activity.at, std::string(activity.user_id), std::string(activity.type),
                           std::string(activity.page), std::string(activity.session_id)};
    log("write an activity of " + short_name({realm, is.user_id}));
    expect(is == *oldest, "the oldest activity is taken, as it was");
    taken_[{realm, partition}].push_back(is);
    queue.erase(oldest);
  }
}

// What was not committed is in front again, in order.
void Game::end_activities(bool committed) {
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      roster_.end_activities(realm, partition, committed);
      std::deque<NaiveActivity>& queue = queued_[{realm, partition}];
      std::deque<NaiveActivity>& taken = taken_[{realm, partition}];
      if (!committed) queue.insert(queue.begin(), taken.begin(), taken.end());
      taken.clear();
      expect(roster_.queued_activities(realm, partition) == queue.size(),
             "activities that come back are counted");
    }
}

// The tables are empty, or gone.
void Game::forget_work(uint16_t realm) {
  std::erase_if(session_rows_, [&](const auto& row) { return row.first.first == realm; });
  std::erase_if(session_work_, [&](const SessionWork& work) { return work.key.first == realm; });
  const auto is_of_realm = [&](const auto& entry) { return entry.first.first.first == realm; };
  std::erase_if(member_rows_, is_of_realm);
  std::erase_if(told_moves_, is_of_realm);
  std::erase_if(member_work_, [&](const MemberWork& work) { return work.key.first == realm; });
  const auto is_realms = [&](const auto& entry) { return entry.first.first == realm; };
  std::erase_if(listeners_, is_realms);
  std::erase_if(everybody_, is_realms);
  std::erase_if(beliefs_, is_realms);
  std::erase_if(rule_rows_, is_realms);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    queued_[{realm, partition}].clear();
    taken_[{realm, partition}].clear();
  }
}

}  // namespace presence::test
