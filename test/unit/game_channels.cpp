// game_channels.cpp: users join channels, move and type in them, and are compared.
#include <algorithm>

#include "game.h"

namespace presence::test {

std::set<std::string> ids_of(std::string_view zero_ended) {
  std::set<std::string> ids;
  while (!zero_ended.empty()) {
    const std::string id(zero_ended.data());
    ids.insert(id);
    zero_ended.remove_prefix(id.size() + 1);
  }
  return ids;
}

namespace {

// One that was made up has no name.
std::set<std::string> named(std::set<std::string> seats) {
  seats.erase("");
  return seats;
}

}  // namespace

// Mostly of a session that is the user's. Sometimes of one that is not, which will be void.
Ask Game::some_channel_ask(const Transaction& transaction, const Key& key) {
  Ask ask;
  ask.kind = dice_.one_of(
      std::array{ChangeKind::join, ChangeKind::join, ChangeKind::join, ChangeKind::leave_channel});
  ask.at = now_;
  ask.realm = key.first;
  ask.channel = some_channel();
  ask.reason = ask.kind == ChangeKind::join ? Reason::activity : Reason::leave;
  if (dice_.one_in(2)) {
    ask.session = dice_.one_of(session_ids);
    if (is_refused(transaction, key, ask)) ask.session = {};
  }
  if (ask.kind != ChangeKind::join) return ask;
  if (dice_.one_in(3)) ask.data = text_of(dice_.one_of(std::array{0u, 7u, 130u}), 'j');
  if (dice_.one_in(3)) {
    ask.cursor = text_of(dice_.one_of(std::array{1u, 104u, 105u}), 'c');
    ask.selection = text_of(dice_.one_of(std::array{0u, 3u}), 's');
  } else if (dice_.one_in(3)) {
    ask.state = text_of(dice_.one_of(std::array{1u, 104u, 105u}), 't');
  }
  return ask;
}

// Of a member, of who types, or of who is waiting to be told.
Member* Game::record(const Key& key, const std::string& channel) const {
  const Cell cell = roster_.find(user_key(key));
  if (cell == no_cell) return nullptr;
  const Cell extras = region_.pool.at<User>(cell).extras;
  Cell at = extras == no_cell ? no_cell : region_.pool.at<Extras>(extras).members;
  for (; at != no_cell; at = region_.pool.at<Member>(at).next) {
    Member& member = region_.pool.at<Member>(at);
    if (id_equals(region_.pool, region_.pool.at<Channel>(member.channel), channel)) return &member;
  }
  return nullptr;
}

// A record stays until listeners and its row know that it is over, and so does its user.
void Game::note_records() {
  for (auto user = model_.users.begin(); user != model_.users.end();) {
    NaiveUser& of = user->second;
    of.has_records = std::any_of(
        channel_ids.begin(), channel_ids.end(),
        [&](const std::string& channel) { return record(user->first, channel) != nullptr; });
    const bool is_gone = roster_.find(user_key(user->first)) == no_cell;
    expect(!is_gone || of.is_blank(), "only who is blank goes with its last record", user->first);
    user = is_gone ? model_.users.erase(user) : std::next(user);
  }
}

// Something new for the worker is said to be so.
void Game::expect_told(const Key& key, bool changed, bool had_news, Time due) const {
  const uint32_t partition = user_key(key).partition();
  const bool has_some = has_news(key.first, partition) && !had_news;
  const bool is_sooner = roster_.next_due(key.first, partition, model_.policy) < due;
  expect(changed || !(has_some || is_sooner), "who acts says that there is something to do", key);
}

// Mostly where somebody is.
std::pair<Key, std::string> Game::some_place() {
  std::vector<std::pair<Key, std::string>> taken;
  for (const auto& [key, user] : model_.users)
    for (const auto& [channel, place] : user.places)
      if (place.joined) taken.emplace_back(key, channel);
  if (taken.empty() || dice_.one_in(6)) return {some_key(), some_channel()};
  return taken[dice_.below(static_cast<uint32_t>(taken.size()))];
}

void Game::move() {
  const auto [key, channel] = some_place();
  const Cell cell = roster_.find(user_key(key));
  if (cell == no_cell) return;
  avoid_ties(key, true);
  Move move;
  move.is_state = dice_.one_in(2);
  const std::string first = std::to_string(messages_made_++ % 1000) +
                            text_of(dice_.one_of(std::array{0u, 100u, 101u, 104u}), 'm');
  const std::string second = move.is_state ? "" : text_of(dice_.below(3), 's');
  move.first = first;
  move.second = second;
  if (dice_.one_in(2)) move.clock = static_cast<int64_t>(dice_.below(8)) - 4;
  roster_.settle_user(cell, model_.policy, now_);
  model_.settle(model_.users.at(key), now_);

  const Member* member = record(key, channel);
  const Cell before = !member ? no_cell : move.is_state ? member->state : member->cursor;
  const uint32_t had = cells_of_text(text_bytes(region_.pool, before));
  const uint32_t needed = cells_of_placed(first.size() + second.size());
  const bool fits = needed == had || needed <= free_cells();
  const uint32_t partition = user_key(key).partition();
  const bool had_news = has_news(key.first, partition);
  const Time due = roster_.next_due(key.first, partition, model_.policy);
  const DoneInChannel done =
      roster_.move(cell, region_.channel_key(key.first, channel), move, model_.policy, now_);
  log(short_name(key) + (move.is_state ? " sets its state in " : " moves in ") +
      channel.substr(0, 4) + " to " + first.substr(0, 3) +
      (move.clock ? " at " + std::to_string(*move.clock) : "") + ": " +
      std::to_string(static_cast<int>(done.what)));
  expect_told(key, done.changed, had_news, due);
  if (done.what == Done::full) return expect(!fits, "who moves has room", key);
  expect(done.what == model_.move(key, channel, move, now_), "what became of a move", key);
  expect(done.what != Done::done || fits, "a move takes no more than it needs", key);
}

void Game::type() {
  const auto [key, channel] = some_place();
  const Cell cell = bring(key);
  if (cell == no_cell) return;
  const ChannelKey channel_key = region_.channel_key(key.first, channel);
  const uint32_t partition = user_key(key).partition();
  if (dice_.one_in(3)) {
    const DoneInChannel done = roster_.stop_typing(cell, channel_key, model_.policy, now_);
    log(short_name(key) + " stops typing in " + channel.substr(0, 4));
    expect(done.what == Done::done && done.changed == roster_.has_member_news(key.first, partition),
           "who stops typing says that there is something to tell", key);
    if (NaivePlace* place = model_.place(key, channel)) place->stop_typing();
    return remove_if_blank(key, cell);
  }
  avoid_ties(key, true);
  const std::string name = text_of(dice_.one_of(std::array{0u, 5u, 130u}), 'n');
  while (!roster_.settle(key.first, partition, model_.policy, now_, 100)) {
  }
  for (auto& [other, user] : model_.users)
    if (other.first == key.first && user_key(other).partition() == partition)
      model_.settle(user, now_);
  const Member* member = record(key, channel);
  const bool types = member && member->typing != no_cell;
  const bool present = region_.pool.at<User>(cell).sessions != no_cell;
  const uint32_t needed = (member ? 0 : 3 + cells_of_id(channel)) + !types + !(types && present) +
                          cells_of_text(name.size());
  const bool fits = needed <= free_cells();
  const bool had_news = has_news(key.first, partition);
  const Time due = roster_.next_due(key.first, partition, model_.policy);
  const DoneInChannel done = roster_.type(cell, channel_key, name, model_.policy, now_);
  log(short_name(key) + " types in " + channel.substr(0, 4) + ": " +
      std::to_string(static_cast<int>(done.what)));
  expect_told(key, done.changed, had_news, due);
  expect(done.what == (fits ? Done::done : Done::full), "who types has room", key);
  if (done.what == Done::done)
    model_.type(key, channel, name, now_);
  else
    remove_if_blank(key, cell);
}

// Of a join that was asked for long ago: it may be behind nobody who was there since.
void Game::note_joined(const Key& key, const Ask& ask) {
  NaivePlace* place = model_.place(key, std::string(ask.channel));
  if (!place || !place->joined) return;
  const Member* member = record(key, std::string(ask.channel));
  expect(member && member->last_active >= place->last_active && member->last_active <= now_,
         "who joins was active when it asked for it, or later", key);
  place->last_active = member->last_active;
}

// Those of the last run. Listeners know them.
void Game::load_members(const Key& key) {
  const Cell cell = roster_.find(user_key(key));
  if (cell == no_cell) return;
  for (uint32_t left = dice_.below(3); left > 0; left--) {
    const std::string& channel = dice_.one_of(channel_ids);
    const std::pair<Key, std::string> where{key, channel};
    if (std::any_of(member_work_.begin(), member_work_.end(), [&](const MemberWork& work) {
          return work.key == key && work.channel == channel;
        }))
      continue;
    NaiveUser& user = model_.users.at(key);
    MemberRowFacts row;
    row.channel = region_.channel_key(key.first, channel);
    row.joined_at = now_ - minute;
    row.last_active = now_ - second;
    const std::string data = text_of(dice_.one_of(std::array{0u, 7u, 130u}), 'l');
    const std::string cursor = text_of(dice_.one_of(std::array{0u, 7u, 130u}), 'l');
    row.data = data;
    row.cursor = cursor;
    std::vector<SessionKey> keys;
    std::set<std::string> seats;
    for (const std::string& id : session_ids) {
      // More need another cell, which there may not be.
      if (keys.size() == Seats::here || dice_.one_in(2)) continue;
      keys.push_back(region_.session_key(key.first, id));
      if (user.facts.session(id)) seats.insert(id);
    }
    row.sessions = keys;
    roster_.settle_user(cell, model_.policy, now_);
    model_.settle(user, now_);
    if (!roster_.load_member(cell, row, model_.policy, now_)) continue;
    log("load " + short_name(key) + " in " + channel.substr(0, 4));
    expect(!user.facts.sessions.empty(), "only who is there is loaded into a channel", key);
    std::erase_if(seats, [&](const std::string& id) { return !user.facts.session(id); });
    if (seats.empty()) seats.insert(user.facts.sessions.front().id);
    NaivePlace place;
    place.joined = true;
    place.seats = seats;
    place.data = data;
    place.cursor = cursor;
    place.joined_at = row.joined_at;
    place.last_active = record(key, channel)->last_active;
    user.places[channel] = place;
    member_rows_[where] = {named(seats), data, cursor, "", "", row.joined_at, place.last_active};
    Heard& heard = listeners_[{key.first, channel}].users[key.second];
    heard = {true,
             false,
             user.visible.status,
             user.visible.message,
             data.empty() ? user.data : data,
             cursor,
             "",
             ""};
    everybody_[{key.first, channel}].users[key.second] =
        snapshot_of(key, channel, model_.detail_for_everybody(user, &channel));
    note_records();
  }
}

// ---- comparisons -----------------------------------------------------------

void Game::compare_member(const MemberView& view, const Key& key, const NaivePlace& place) const {
  const NaiveUser& user = model_.users.at(key);
  expect(view.joined_at == place.joined_at, "a member knows since when", key);
  expect(view.data() == (place.data.empty() ? user.data : place.data), "a member has its data",
         key);
  expect(view.has_own_data == !place.data.empty(), "whether the data is the member's own", key);
  expect(view.cursor() == place.cursor, "a member has its cursor", key);
  expect(view.selection() == place.selection, "a member has its selection", key);
  expect(view.state() == place.state, "a member has its state", key);
}

// One user in all channels, as of the last look.
void Game::compare_places(const Key& key, Cell cell) {
  NaiveUser& user = model_.users.at(key);
  std::set<std::string> joined;
  for (const std::string& channel : channel_ids) {
    const ChannelKey channel_key = region_.channel_key(key.first, channel);
    const auto found = user.places.find(channel);
    const NaivePlace place = found == user.places.end() ? NaivePlace{} : found->second;
    if (place.joined) joined.insert(channel);
    expect(roster_.is_member(cell, channel_key) == place.joined, "who is a member", key);
    expect(roster_.view_typing(cell, channel_key, model_.policy, now_, member_view_) ==
               place.types(model_.policy, now_),
           "who types", key);
    if (place.types(model_.policy, now_)) {
      expect(member_view_.typing_since == place.typing_since, "since when it types", key);
      expect(member_view_.name() == place.name, "by which name it types", key);
    }
    expect(roster_.view_member(cell, channel_key, {}, model_.policy, now_, member_view_) ==
               place.joined,
           "who is seen as a member", key);
    if (!place.joined) continue;
    compare_member(member_view_, key, place);
    expect(member_view_.last_active == place.last_active, "when a member was active", key);
    expect(member_view_.typing == place.types(model_.policy, now_), "a member types", key);
    expect(ids_of(member_view_.seats()) == named(place.seats), "a member has its sessions", key);
  }
  std::array<char, 1000> room;
  const std::size_t bytes = roster_.channels(cell, room);
  expect(ids_of({room.data(), bytes}) == joined, "the channels of a user", key);
}

// As the transaction itself sees it.
void Game::compare_own_places(const Claimed& claimed) {
  const std::vector<Wish> wishes = wishes_of(claimed);
  if (wishes.empty()) return;
  for (const OpenWish& open : claimed.wishes) {
    const Key* owner = model_.owner(claimed.key.first, open.ask.session);
    // What will be void is seen as if it were not.
    if (!open.ask.session.empty() && (!owner || *owner != claimed.key)) return;
  }
  const NaiveUser& user = model_.users.at(claimed.key);
  NaiveFacts settled = user.facts;
  settled.prune(model_.policy, now_);
  if (settled.sessions.size() != user.facts.sessions.size()) return;  // as of the last look
  const auto places = model_.places(user, asks_of(claimed), now_);
  for (const std::string& channel : channel_ids) {
    const ChannelKey channel_key = region_.channel_key(claimed.key.first, channel);
    const auto found = places.find(channel);
    const bool joined = found != places.end() && found->second.joined;
    expect(roster_.is_seated(claimed.cell, channel_key, nullptr, wishes) == joined,
           "a transaction knows where it is", claimed.key);
    expect(roster_.view_member(claimed.cell, channel_key, wishes, model_.policy, now_,
                               member_view_) == joined,
           "a transaction sees where it is", claimed.key);
    if (!joined) continue;
    const NaivePlace& place = found->second;
    expect(member_view_.joined_at == place.joined_at, "it sees since when", claimed.key);
    expect(member_view_.cursor() == place.cursor && member_view_.state() == place.state,
           "it sees its cursor and its state", claimed.key);
    if (!place.data.empty())
      expect(member_view_.data() == place.data, "it sees its data", claimed.key);
  }
}

void Game::compare_members(uint16_t realm, const std::string& channel) {
  const ChannelKey channel_key = region_.channel_key(realm, channel);
  std::set<std::string> wanted, found;
  for (const auto& [key, user] : model_.users) {
    const auto place = user.places.find(channel);
    if (key.first == realm && place != user.places.end() && place->second.joined)
      wanted.insert(key.second);
  }
  std::array<MemberCandidate, ids.size() + 1> room;
  const std::size_t count = region_.channels.collect(channel_key, no_cell, forever_ago, room);
  for (std::size_t i = 0; i < count; i++) found.emplace(room[i].id());
  expect(count == wanted.size() && found == wanted, "the members of a channel are collected");
  expect(region_.channels.members(channel_key) == count, "the members of a channel are counted");
  if (count == 0) return;
  const uint32_t after = dice_.below(static_cast<uint32_t>(count));
  const auto behind =
      roster_.members_after(roster_.find(region_.key(realm, room[after].id())), channel_key,
                            forever_ago, {room.data() + after + 1, room.size() - after - 1});
  expect(behind == count - after - 1, "those behind a member are collected");
}

}  // namespace presence::test
