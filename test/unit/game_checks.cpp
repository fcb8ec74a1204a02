// game_checks.cpp: comparing both sides, and putting the difference into words.
#include <algorithm>
#include <sstream>

#include "game.h"
#include "region_check.h"

namespace presence::test {

void Game::compare_all() {
  const std::string problem =
      find_problem(region_, held_, held_sessions_, model_.policy, held_rules());
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
      if (!claimed.wishes.empty()) {
        compare_view(claimed, claimed.cell);
        compare_own_places(claimed);
        compare_seen(claimed.key, claimed.cell, next_viewer(), &claimed);
      }
  for (uint16_t realm = 0; realm < realms; realm++) {
    compare_lists(realm);
    const std::string& viewer = next_viewer();
    compare_lists_for(realm, viewer);
    for (const auto& [key, user] : model_.users)
      if (key.first == realm) compare_seen(key, roster_.find(user_key(key)), viewer);
    for (const std::string& channel : channel_ids) compare_members(realm, channel);
  }
}

// What is stored.
void Game::compare_user(const Key& key, Cell cell) {
  const NaiveUser& user = model_.users.at(key);
  const User& stored = region_.pool.at<User>(cell);
  expect(stored.status == user.visible.status, "the status as of the last look", key);
  expect(stored.announced == user.announced, "what was told", key);
  expect(stored.to_announce == user.to_announce, "whether there is something to tell", key);
  expect(stored.message_changed == user.message_changed, "whether the message changed", key);
  expect(stored.data_changed == user.data_changed, "whether the data changed", key);
  expect(stored.persist == user.persist, "where it stands with its row", key);
  expect(stored.claims == user.claims, "the claims", key);
  if (user.to_announce)
    expect(stored.row_is_current == user.row_is_current, "whether its row says so already", key);
  compare_view({key, cell, {}, std::nullopt, std::nullopt, false, false}, cell);
  compare_sessions(key, cell);
  compare_places(key, cell);
  expect(view_.announced == user.announced, "the view has what was told", key);
  expect(view_.changed_at == user.changed_at, "the moment of the change", key);
  if (user.changed_at != forever_ago) expect_reason(user);
  if (stored.list == offline_list) return;
  // The next moment is never missed; it may be one at which nothing is seen to change.
  expect(due_of(stored) <= next_change_of(user), "the deadline is not missed", key);
  for (const NaiveSession& session : user.facts.sessions)
    expect(due_of(stored) <= session.end(model_.policy), "a session is let go of in time", key);
}

Time Game::due_of(const User& stored) const {
  if (stored.list == offline_list) return never;
  if (!is_regular(stored.list)) return stored.due;
  return stored.last_seen + (stored.status == Status::online ? model_.policy.idle_timeout
                                                             : model_.policy.offline_timeout);
}

Time Game::next_change_of(const NaiveUser& user) const {
  for (const Time moment : user.facts.moments(model_.policy))
    if (moment > user.looked_at && user.facts.visible(model_.policy, moment) != user.visible)
      return moment;
  return never;
}

// What is answered, now.
void Game::compare_view(const Claimed& claimed, Cell cell) {
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
  expect(view_.has_last_seen == (wanted.last_seen != forever_ago),
         "the view says whether ever seen", key);
  expect(view_.session_count == wanted.session_count, "the view counts the sessions", key);
  expect(view_.activity_count == wanted.activity_count, "the view counts the activity", key);
  expect(view_.interactions_per_minute == wanted.interactions_per_minute,
         "the view has the interactions", key);
  expect(view_.page() == wanted.page, "the view has the page", key);
  expect(view_.data() == wanted.data, "the view has the data", key);
  expect(roster_.status_at(cell, wishes, model_.policy, now_) == wanted.visible.status, "status_at",
         key);
  expect(read_back(cell, wishes) == model_.choices(user, asks_of(claimed), now_),
         "the choices as a line", key);
}

void Game::expect_reason(const NaiveUser& user) const {
  expect(view_.reason == user.reason, "the reason");
  if (user.reason != Reason::custom) return;
  // They are kept until a user's channels know them, too.
  const bool has_words =
      std::string_view(view_.reason_text, view_.reason_bytes) == user.reason_text;
  expect(has_words || (user.words_may_go && view_.reason_bytes == 0), "the reason's text");
}

// The line of choices as the model has them.
std::vector<NaiveChoice> Game::read_back(Cell cell, std::span<const Wish> wishes) {
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

void Game::compare_lists(uint16_t realm) {
  Counts counts;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster_.count(realm, partition, counts);
  expect(counts.online == in_status(realm, Status::online).size(), "the online are counted");
  expect(counts.away == in_status(realm, Status::away).size(), "the away are counted");
  expect(counts.busy == in_status(realm, Status::busy).size(), "the busy are counted");
  for (const Status status : {Status::online, Status::busy, Status::away})
    compare_order(realm, status);
}

std::vector<std::pair<Time, std::string>> Game::in_status(uint16_t realm, Status status) const {
  std::vector<std::pair<Time, std::string>> found;
  for (const auto& [key, user] : model_.users)
    if (key.first == realm && user.visible.status == status)
      found.emplace_back(-user.facts.last_seen, key.second);
  std::sort(found.begin(), found.end());
  return found;
}

// The best few, as presence_online_users finds them.
void Game::compare_order(uint16_t realm, Status status) {
  const auto wanted = in_status(realm, status);
  for (std::size_t limit = 0; limit <= 3; limit++) {
    std::array<Time, 3> best;
    Cutoff cutoff{{best.data(), limit}, 0, forever_ago};
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster_.find_cutoff(realm, partition, status, nullptr, model_.policy, cutoff);
    expect(cutoff.count == std::min(limit, wanted.size()), "the cutoff counts");
    if (limit == 0) continue;
    const Time not_before = cutoff.count == limit ? best[0] : forever_ago;
    std::vector<std::pair<Time, std::string>> found;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      std::array<Candidate, ids.size()> room;
      const std::size_t count =
          roster_.collect(realm, partition, status, nullptr, model_.policy, not_before, room);
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
void Game::come_to_rest() {
  for (Transaction& transaction : transactions_) commit(transaction);
  end_writing();
  end_session_rows(true);
  end_member_rows(true);
  end_activities(true);
  for (uint16_t realm = 0; realm < realms; realm++) tell_everything(realm);
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
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      while (begin_writing(realm, partition, true)) {
      }
      roster_.flush_sessions(realm, partition);
      roster_.flush_members(realm, partition);
      roster_.try_session_rows_again(realm, partition);
      roster_.try_member_rows_again(realm, partition);
      for (const bool deletes : {false, true})
        begin_session_rows(realm, partition, deletes, UINT32_MAX);
      for (const bool deletes : {false, true})
        begin_member_rows(realm, partition, deletes, UINT32_MAX);
      take_activities(realm, partition, UINT32_MAX);
    }
  }
  end_writing();
  end_session_rows(true);
  for (MemberWork& work : member_work_) work.is_locked = false;
  end_member_rows(true);
  end_activities(true);
  compare_all();
  for (const auto& [key, user] : model_.users) {
    expect(user.persist == Persist::current && !user.to_announce, "at rest", key);
    compare_row(key, user);
  }
  compare_session_rows();
  compare_member_rows();
  for (const auto& [where, queue] : queued_) expect(queue.empty(), "every activity is written");
}

// What of these choices is in force or may come back.
std::vector<NaiveChoice> Game::still_to_come(const std::vector<NaiveChoice>& choices) const {
  NaiveFacts facts;
  facts.choices = choices;
  facts.prune(model_.policy, now_);
  for (NaiveChoice& choice : facts.choices)
    if (choice.message_until <= now_) choice = {choice.status, choice.until, {}, never};
  std::erase_if(facts.choices,
                [](const NaiveChoice& choice) { return !choice.status && choice.message.empty(); });
  return facts.choices;
}

// Nothing that memory knows is missing in the table.
void Game::compare_row(const Key& key, const NaiveUser& user) const {
  if (user.is_blank()) return;
  const auto found = rows_.find(key);
  expect(found != rows_.end(), "whoever is known has a row", key);
  const NaiveRow& row = found->second;
  expect(row.status == user.visible.status, "the row has the status", key);
  expect(row.last_seen == user.facts.last_seen, "the row has last_seen", key);
  expect(row.page == user.page, "the row has the page", key);
  expect(row.data == user.data, "the row has the data", key);
  expect(row.activity_count == user.activity_count, "the row has the activity", key);
  expect(still_to_come(row.choices) == still_to_come(user.facts.choices), "the row has the choices",
         key);
}

// ---- words

std::string short_name(const Key& key) {
  return key.second.substr(0, 3) + "@" + std::to_string(key.first);
}

std::string when(Time at) {
  if (at == never) return "never";
  if (at == forever_ago) return "forever ago";
  return std::to_string((at - start) / second) + "." +
         std::to_string(std::abs((at - start) % second)) + "s";
}

std::string describe(const GivenRules& rules) {
  std::string text;
  const auto add = [&](std::string_view of, const Rule& rule) {
    text += " " + std::string(of) + "=" + std::string(presence::name_of(rule.audience)) + "/" +
            std::string(presence::name_of(rule.detail));
  };
  if (rules.rule) add("rule", *rules.rule);
  for (const auto& [channel, rule] : rules.channel_rules) add(channel.substr(0, 4), rule);
  for (const GivenRelation& one : rules.relations)
    text += " " + one.viewer.substr(0, 3) + (one.is_blocked ? ":blocked" : "") +
            (one.is_contact ? ":contact" : "") + ":" + std::string(presence::name_of(one.own)) +
            ":" + std::to_string(one.shown);
  for (const GivenShown& one : rules.shown)
    text += " shown " + std::string(presence::name_of(one.detail)) + " " + when(one.last_seen) +
            (one.is_new ? " (new)" : "");
  return text + " to " + std::to_string(rules.to_strangers) + " and " +
         std::to_string(rules.to_contacts);
}

std::string describe(const Ask& ask) {
  static constexpr std::array kinds = {"choose", "be_automatic",  "clear",   "set_message",
                                       "leave",  "forget",        "log_out", "set_visibility",
                                       "join",   "leave_channel", "connect", "disconnect",
                                       "say"};
  std::string text = kinds[static_cast<std::size_t>(ask.kind)];
  if (!ask.session.empty()) text += " " + std::string(ask.session.substr(0, 3));
  if (ask.kind == ChangeKind::set_visibility) text += describe(ask.rules);
  if (!ask.gateway.empty()) text += " of " + ask.gateway.substr(0, 2);
  if (ask.status != Status::offline) text += " " + std::string(presence::name_of(ask.status));
  text += " at " + when(ask.at) + " until " + when(ask.until);
  if (ask.message)
    text +=
        " message '" + ask.message->substr(0, 5) + "'(" + std::to_string(ask.message->size()) + ")";
  return text;
}

std::string Game::lines_of(const std::vector<NaiveChoice>& choices) {
  std::string text;
  for (const NaiveChoice& choice : choices)
    text += "    choice " + std::string(choice.status ? presence::name_of(*choice.status) : "-") +
            " until " + when(choice.until) + " '" + choice.message.substr(0, 5) + "' until " +
            when(choice.message_until) + "\n";
  return text;
}

std::string Game::dump() const {
  std::ostringstream out;
  out << "It is " << when(now_) << ", " << free_cells() << " cells are free.\n";
  for (const auto& [key, user] : model_.users) {
    out << short_name(key) << ": model " << presence::name_of(user.visible.status) << " '"
        << user.visible.message.substr(0, 5) << "' since " << when(user.changed_at) << " ("
        << presence::name_of(user.reason) << "), told " << presence::name_of(user.announced)
        << (user.to_announce ? ", to tell" : "") << ", row state " << static_cast<int>(user.persist)
        << (user.row_is_current ? ", row is current" : "") << ", " << user.claims
        << " claims, last seen " << when(user.facts.last_seen) << "\n";
    for (const NaiveSession& session : user.facts.sessions)
      out << "    session '" << session.id.substr(0, 3) << "' says "
          << presence::name_of(session.said) << ", active " << when(session.active_at) << ", heard "
          << when(session.heard_at.value_or(forever_ago)) << ", lease " << session.lease / second
          << ", ends " << when(session.ends_at.value_or(never))
          << (session.parting ? " by " + std::string(presence::name_of(*session.parting)) : "")
          << ", of '" << session.gateway_name.substr(0, 2) << "', over "
          << when(session.end(model_.policy)) << "\n";
    out << lines_of(user.facts.choices);
    if (!user.rules.empty()) out << "    rules" << describe(user.rules) << "\n";
    const Cell cell = roster_.find(user_key(key));
    if (cell == no_cell) {
      out << "    is not in memory\n";
      continue;
    }
    const User& stored = region_.pool.at<User>(cell);
    out << "    roster " << presence::name_of(stored.status) << " since " << when(stored.changed_at)
        << " (" << presence::name_of(stored.reason) << "), told "
        << presence::name_of(stored.announced) << (stored.to_announce ? ", to tell" : "")
        << ", row state " << static_cast<int>(stored.persist)
        << (stored.row_is_current ? ", row is current" : "") << ", " << stored.claims
        << " claims, last seen " << when(stored.last_seen) << ", list " << int{stored.list}
        << ", due " << when(stored.due) << "\n";
    for (Cell at = stored.sessions; at != no_cell; at = region_.pool.at<Session>(at).next) {
      const Session& session = region_.pool.at<Session>(at);
      char id[max_id_bytes];
      out << "      session '"
          << std::string_view(id, get_id(region_.pool, session, id)).substr(0, 3) << "' says "
          << presence::name_of(session.facts.said) << ", active " << when(session.facts.active_at)
          << ", heard " << when(session.facts.heard_at) << ", ends " << when(session.facts.ends_at)
          << (session.facts.disconnected ? " by goodbye" : "") << ", row state "
          << static_cast<int>(session.row) << "\n";
    }
  }
  for (const auto& [key, row] : rows_)
    out << short_name(key) << ": row " << presence::name_of(row.status) << ", last seen "
        << when(row.last_seen) << "\n"
        << lines_of(row.choices);
  return out.str();
}

}  // namespace presence::test
