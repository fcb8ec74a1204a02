// region_check.cpp: one walk over everything.
#include "region_check.h"

#include "support.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

namespace presence::test {

namespace {

class Checker {
 public:
  Checker(const Region& region, const Policy& policy)
      : region_(region), policy_(policy), seen_(region.pool.count() + 1) {}

  std::string check(uint32_t held, uint32_t held_sessions, std::span<const Cell> held_rules) {
    for (uint32_t realm = 0; realm < region_.realm_count(); realm++)
      for (uint32_t partition = 0; partition < partition_count && problem_.empty(); partition++)
        check_share(static_cast<uint16_t>(realm), partition);
    for (uint32_t realm = 0; realm < region_.realm_count() && problem_.empty(); realm++)
      check_gateways(static_cast<uint16_t>(realm), held_sessions);
    if (problem_.empty() && held_sessions != 0)
      fail("gateways: " + std::to_string(held_sessions) + " of wishes are not counted");
    if (problem_.empty() && !kept_by_.empty()) fail("a session's gateway is in no list");
    for (uint32_t realm = 0; realm < region_.realm_count(); realm++)
      for (uint32_t partition = 0; partition < partition_count && problem_.empty(); partition++)
        check_news_of_channels(static_cast<uint16_t>(realm), partition);
    for (const auto& [cell, records] : records_)
      if (problem_.empty()) check_channel(cell, records);
    for (const Cell rules : held_rules)
      if (problem_.empty()) check_visibility(rules, no_cell, "a wish");
    for (const auto& [cell, relations] : relations_)
      if (problem_.empty()) check_viewer(cell, relations);
    if (problem_.empty() && reached_ + held != region_.pool.used())
      fail("cells: " + std::to_string(reached_) + " reached and " + std::to_string(held) +
           " held, but " + std::to_string(region_.pool.used()) + " used");
    return problem_;
  }

 private:
  void fail(const std::string& what) {
    if (!problem_.empty()) return;
    problem_ = "realm " + std::to_string(realm_) + ", partition " + std::to_string(partition_) +
               ": " + what;
  }

  User& user(Cell cell) const { return region_.pool.at<User>(cell); }
  Session& session(Cell cell) const { return region_.pool.at<Session>(cell); }
  Member& member(Cell cell) const { return region_.pool.at<Member>(cell); }
  Channel& channel(Cell cell) const { return region_.pool.at<Channel>(cell); }

  // False, and a problem, when the cell is no cell or was reached before.
  bool reach(Cell cell, const std::string& as) {
    if (cell == no_cell || cell > region_.pool.count())
      fail(as + " is no cell: " + std::to_string(cell));
    else if (seen_[cell])
      fail(as + " is reached twice: cell " + std::to_string(cell));
    else
      seen_[cell] = true;
    if (problem_.empty()) reached_++;
    return problem_.empty();
  }

  void reach_text(Cell text, const std::string& as) {
    if (text == no_cell) return;
    uint32_t left = text > region_.pool.count() ? 1 : text_bytes(region_.pool, text);
    for (; left > 0; text = region_.pool.at<TextCell>(text).next) {
      if (!reach(text, as)) return;
      left -= std::min(left, static_cast<uint32_t>(TextCell::capacity));
    }
    if (text != no_cell) fail(as + " goes on after its end");
  }

  void check_share(uint16_t realm, uint32_t partition) {
    realm_ = realm;
    partition_ = partition;
    const RealmPartition& share = region_.share(realm, partition);
    users_.clear();
    sessions_.clear();
    members_.clear();
    seats_.clear();
    for (uint8_t number = 0; number < list_count && problem_.empty(); number++)
      check_list(share.lists[number], number);
    if (problem_.empty()) check_heap(share.heap);
    for (uint8_t state = 1; state < persist_lists && problem_.empty(); state++)
      check_persist(share.persist[state], static_cast<Persist>(state));
    if (problem_.empty() && share.persist[0] != no_cell) fail("`current` has a list");
    if (problem_.empty()) check_announcements(share.to_announce);
    for (uint8_t state = 0; state < row_lists && problem_.empty(); state++)
      check_session_rows(share.sessions[state], static_cast<RowState>(state));
    if (problem_.empty()) check_activities(share);
    if (problem_.empty()) check_forgetting(share);
    if (problem_.empty()) check_members(share);
  }

  // ---- lists

  void check_list(const List& list, uint8_t number) {
    const std::string name = "list " + std::to_string(number);
    uint32_t count = 0;
    Cell newer = no_cell;
    bool has_hint = list.hint == no_cell;
    for (Cell cell = list.newest; cell != no_cell; cell = user(cell).older) {
      if (!reach(cell, name)) return;
      const User& of = user(cell);
      has_hint |= cell == list.hint;
      if (of.list != number) return fail(name + " has a user of another");
      if (of.newer != newer) return fail(name + " is not linked both ways");
      if (number != offline_list && newer != no_cell && user(newer).last_seen < of.last_seen)
        return fail(name + " is out of order");
      check_user(cell);
      if (!problem_.empty()) return;
      users_.push_back(cell);
      newer = cell;
      count++;
    }
    if (list.oldest != newer) fail(name + " does not end with its oldest");
    if (!has_hint) fail(name + " has a hint to nobody of it");
    if (list.count != count)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(list.count));
  }

  void check_user(Cell cell) {
    const User& of = user(cell);
    char id[max_id_bytes];
    const UserKey key = region_.key(realm_, {id, get_id(region_.pool, of, id)});
    const std::string name = "user " + std::string(key.id);
    if (of.realm != realm_ || of.partition != partition_ || key.partition() != partition_)
      return fail(name + " is in a partition that is not its own");
    if (region_.index.find(region_.pool, key) != cell)
      return fail(name + " is not found by its key");
    if (status_of_list(of.list) != of.status)
      return fail(name + " is in the list of another status");
    const bool is_offline = of.list == offline_list;
    if ((of.sessions == no_cell) != is_offline)
      return fail(name + " has sessions, or none, by mistake");
    if (of.in_heap != (!is_offline && !is_regular(of.list) && of.due != never))
      return fail(name + " is in the heap, or not, by mistake");

    const Detail to_strangers = to_anyone(of, std::nullopt, false);
    if (!is_offline && kind_of_list(of.list) != kind_for(to_strangers))
      return fail(name + " is in the list of another kind");
    const Detail to_everybody = to_anyone(of, std::nullopt, true);
    if (!is_offline && !of.to_announce && static_cast<Detail>(of.told_detail) != to_everybody)
      return fail(name + " is seen otherwise than everybody was told");

    reach_id(of, name);
    reach_text(of.page, name + "'s page");
    reach_text(of.data, name + "'s data");
    bool has_words = false;
    for (Cell at = of.sessions; at != no_cell && problem_.empty(); at = session(at).next) {
      check_session(at, cell, name);
      const SessionFacts& facts = session(at).facts;
      has_words |= facts.disconnected && facts.parting == Reason::custom;
    }
    if (problem_.empty() && of.lives_on_touches) check_touched_alone(of, name);
    check_extras(of, cell, has_words, name);
  }

  template <typename Record>
  void reach_id(const Record& of, const std::string& name) {
    if (of.id_bytes <= short_id) return;
    Cell rest;
    std::memcpy(&rest, of.id + inline_id, sizeof rest);
    reach_text(rest, name + "'s id");
  }

  // ---- sessions

  void check_session(Cell cell, Cell owner, const std::string& owner_name) {
    if (!reach(cell, owner_name + "'s session")) return;
    const Session& of = session(cell);
    char id[max_id_bytes];
    const SessionKey key = region_.session_key(realm_, {id, get_id(region_.pool, of, id)});
    const std::string name = owner_name + "'s session '" + std::string(key.id) + "'";
    if (of.realm != realm_ || of.partition != partition_)
      return fail(name + " is in a partition that is not its user's");
    if (of.user != owner) return fail(name + " belongs to somebody else");
    if (is_over(of.row)) return fail(name + " has ended and is still its user's");
    if (of.row == RowState::current && !of.has_row)
      return fail(name + " is as its row says, and has none");
    if (of.row == RowState::writing && !of.has_row)
      return fail(name + " is being written, and nobody would delete its row");
    if (of.id_bytes == 0)
      check_implicit(of, owner, name);
    else
      check_indexed(key, cell, owner, name);
    reach_id(of, name);
    reach_text(of.page, name + "'s page");
    reach_text(of.details, name + "'s details");
    if (of.gateway != no_cell) kept_by_[of.gateway]++;
    sessions_.push_back(cell);
  }

  void check_indexed(const SessionKey& key, Cell cell, Cell owner, const std::string& name) {
    const SessionIndex::Found found = region_.sessions.find(key);
    if (found.session != cell) return fail(name + " is not found by its id");
    if (found.user != owner || found.partition != partition_)
      return fail(name + " is found as somebody else's");
    if (session(cell).row == RowState::none) fail(name + " will have no row");
  }

  void check_implicit(const Session& of, Cell owner, const std::string& name) {
    if (user(owner).sessions == no_cell || session(user(owner).sessions).next != no_cell)
      return fail(name + " was made up, and is not the only one");
    if (of.row != RowState::none || of.has_row) return fail(name + " was made up, and has a row");
    if (of.gateway != no_cell || of.binder != 0 || of.is_connected)
      fail(name + " was made up, and somebody keeps it");
  }

  void check_touched_alone(const User& of, const std::string& name) {
    if (of.sessions == no_cell) return fail(name + " lives on touches without a session");
    const Session& only = session(of.sessions);
    if (only.next != no_cell || only.id_bytes != 0 || only.facts.said != Status::online ||
        only.facts.heard_at != forever_ago || only.facts.ends_at != never || of.extras != no_cell ||
        of.status != Status::online || !is_regular(of.list))
      fail(name + " lives on touches by mistake");
  }

  // Whether those of a list are linked well. Returns how many they are.
  template <typename Record>
  std::size_t walk_rows(Cell head, RowState state, const std::string& name) {
    if (state < RowState::dirty && head != no_cell) fail(name + " should not be there");
    std::size_t count = 0;
    Cell before = no_cell;
    for (Cell cell = head; cell != no_cell && problem_.empty();) {
      const Record& of = region_.pool.at<Record>(cell);
      if (++count > region_.pool.count()) fail(name + " goes round in a circle");
      if (of.row != state) fail(name + " has one of another state");
      if (of.row_prev != before) fail(name + " is not linked both ways");
      before = cell;
      cell = of.row_next;
    }
    return count;
  }

  // All that are marked so are in the list.
  template <typename Record>
  void check_marked(const std::vector<Cell>& all, RowState state, std::size_t count,
                    const std::string& name) {
    if (state < RowState::dirty || !problem_.empty()) return;
    std::size_t marked = 0;
    for (const Cell cell : all) marked += region_.pool.at<Record>(cell).row == state;
    if (count != marked)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(marked));
  }

  void check_session_rows(Cell head, RowState state) {
    const std::string name = "session row list " + std::to_string(static_cast<int>(state));
    const std::size_t count = walk_rows<Session>(head, state, name);
    if (!is_over(state)) return check_marked<Session>(sessions_, state, count, name);
    for (Cell cell = head; cell != no_cell && problem_.empty(); cell = session(cell).row_next)
      check_ended(cell, name);
  }

  // Nothing is left of it but what its row is found by.
  void check_ended(Cell cell, const std::string& name) {
    if (!reach(cell, name)) return;
    const Session& of = session(cell);
    if (of.realm != realm_ || of.partition != partition_)
      return fail(name + " has a session of another partition");
    if (of.user != no_cell || of.gateway != no_cell || of.page != no_cell || of.details != no_cell)
      return fail(name + " has a session that still holds something");
    if (!of.has_row || of.id_bytes == 0) return fail(name + " has a session without a row");
    char id[max_id_bytes];
    const SessionKey key = region_.session_key(realm_, {id, get_id(region_.pool, of, id)});
    if (region_.sessions.find(key).session == cell) return fail(name + " has one that is found");
    reach_id(of, name);
  }

  // ---- gateways

  void check_gateways(uint16_t realm, uint32_t& held_sessions) {
    realm_ = realm;
    for (Cell cell = region_.realm(realm).gateways; cell != no_cell;) {
      if (!reach(cell, "a gateway")) return;
      const Gateway& gateway = region_.pool.at<Gateway>(cell);
      reach_id(gateway, "a gateway");
      const uint32_t counted = gateway.sessions.load();
      const auto kept = kept_by_.find(cell);
      const uint32_t referring = kept == kept_by_.end() ? 0 : kept->second;
      if (kept != kept_by_.end()) kept_by_.erase(kept);
      if (counted < referring || counted - referring > held_sessions)
        return fail("a gateway has " + std::to_string(referring) + " sessions, not " +
                    std::to_string(counted));
      held_sessions -= counted - referring;
      cell = gateway.chain;
    }
  }

  // ---- activities

  Cell next_activity(Cell activity) const {
    Cell next;
    std::memcpy(&next, region_.pool.at<TextCell>(activity).part, sizeof next);
    return next;
  }

  void check_forgetting(const RealmPartition& share) {
    const auto forgotten = std::count_if(users_.begin(), users_.end(),
                                         [&](Cell cell) { return user(cell).forgetting; });
    if (share.being_forgotten != forgotten)
      fail(std::to_string(forgotten) + " are being forgotten, not " +
           std::to_string(share.being_forgotten));
  }

  void check_activities(const RealmPartition& share) {
    uint32_t count = 0, cells = 0;
    Cell last = no_cell;
    for (Cell cell = share.first_activity; cell != no_cell; cell = next_activity(cell)) {
      reach_text(cell, "an activity");
      if (!problem_.empty()) return;
      last = cell;
      cells += cells_of_text(text_bytes(region_.pool, cell));
      count++;
    }
    if (cells != share.activity_cells)
      return fail("the activities have " + std::to_string(cells) + " cells, not " +
                  std::to_string(share.activity_cells));
    if (count != share.activity_count)
      return fail("there are " + std::to_string(count) + " activities, not " +
                  std::to_string(share.activity_count));
    if (last != no_cell && share.last_activity != last)
      return fail("the activities do not end with the last");
    for (Cell cell = share.activities_taken; cell != no_cell && problem_.empty();
         cell = next_activity(cell))
      reach_text(cell, "an activity that is being written");
  }

  void check_extras(const User& of, Cell owner, bool has_words, const std::string& name) {
    const bool in_chosen_list = of.list != offline_list && (of.list - 1) / 2 % 2 == 1;
    if (of.extras == no_cell) {
      if (in_chosen_list) fail(name + " is in a list of the chosen without a choice");
      return;
    }
    if (!reach(of.extras, name + "'s extras")) return;
    const Extras& extras = region_.pool.at<Extras>(of.extras);
    const Choices& choices = extras.choices;
    if (choices.empty() && extras.reason_text == no_cell && extras.parting_text == no_cell &&
        extras.members == no_cell && extras.visibility == no_cell && !extras.rules_changed)
      return fail(name + " has empty extras");
    if (extras.rules_changed && !of.to_announce)
      return fail(name + " has other rules, and nobody will be told");
    if (extras.parting_text != no_cell && !has_words)
      return fail(name + " keeps words of a goodbye that nobody said");
    if (choices.depth > Choices::max_earlier) return fail(name + " has too many choices");
    const bool has_choice = choices.top.status != Status::offline;
    if (of.list != offline_list && in_chosen_list != has_choice)
      return fail(name + " is in a list of the chosen, or not, by mistake");
    reach_text(extras.reason_text, name + "'s reason");
    reach_text(extras.parting_text, name + "'s words");
    reach_text(choices.top.message, name + "'s message");
    for (uint8_t i = 0; i < choices.depth; i++)
      reach_text(choices.earlier[i].message, name + "'s earlier message");
    for (Cell at = extras.members; at != no_cell && problem_.empty(); at = member(at).next)
      check_member(at, owner, name);
    if (extras.visibility != no_cell) check_visibility(extras.visibility, owner, name);
  }

  // ---- who sees whom

  // What strangers see of a user, or the least that anybody does.
  Detail to_anyone(const User& of, std::optional<uint64_t> channel, bool everybody) const {
    if (everybody && policy_.application_decides) return Detail::nothing;
    const Cell extras = of.extras;
    const Cell cell = extras == no_cell ? no_cell : region_.pool.at<Extras>(extras).visibility;
    Rule rule{policy_.default_audience, Detail::full};
    Detail least = Detail::full;
    if (cell != no_cell) {
      const Visibility& rules = region_.pool.at<Visibility>(cell);
      if (rules.has_rule) rule = {rules.audience, rules.detail};
      for (Cell at = channel ? rules.channel_rules : no_cell; at != no_cell;
           at = region_.pool.at<ChannelRules>(at).next)
        for (const ChannelRule& one : region_.pool.at<ChannelRules>(at).items)
          if (one.channel == *channel) rule = {one.audience, one.detail};
      for (Cell at = rules.relations; at != no_cell; at = region_.pool.at<Relations>(at).next)
        for (uint32_t i = 0; i < region_.pool.at<Relations>(at).count; i++) {
          const Relation& one = region_.pool.at<Relations>(at).items[i];
          if (one.is_blocked) least = Detail::nothing;
          if (one.own != Detail::nothing) least = std::min(least, one.own);
        }
    }
    const Detail strangers = rule.audience == Audience::everyone ? rule.detail : Detail::nothing;
    return everybody ? std::min(strangers, least) : strangers;
  }

  // Of a user; of a wish when there is no owner.
  void check_visibility(Cell cell, Cell owner, const std::string& owner_name) {
    const std::string name = owner_name + "'s rules";
    if (!reach(cell, name)) return;
    const Visibility& of = region_.pool.at<Visibility>(cell);
    shown_.clear();
    hold_shown(of.to_strangers);
    hold_shown(of.to_contacts);
    for (Cell at = of.channel_rules; at != no_cell; at = region_.pool.at<ChannelRules>(at).next) {
      if (!reach(at, name + " of channels")) return;
      const uint32_t count = region_.pool.at<ChannelRules>(at).count;
      if (count == 0 || count > ChannelRules::there) return fail(name + " of channels are none");
    }
    Detail least = Detail::full;
    for (Cell at = of.relations; at != no_cell && problem_.empty();
         at = region_.pool.at<Relations>(at).next)
      check_relations(at, of, owner, name, least);
    if (!problem_.empty()) return;
    if (of.least != least) return fail(name + " do not know the least that they give");
    for (const auto& [shown, holders] : shown_) check_shown(shown, holders, owner, name);
  }

  void check_relations(Cell cell, const Visibility& rules, Cell owner, const std::string& name,
                       Detail& least) {
    if (!reach(cell, name + " of viewers")) return;
    const Relations& of = region_.pool.at<Relations>(cell);
    if (of.count == 0 || of.count > Relations::there) return fail(name + " of viewers are none");
    for (uint32_t i = 0; i < of.count; i++) {
      const Relation& one = of.items[i];
      if (one.viewer == no_cell || one.viewer > region_.pool.count())
        return fail(name + " name a viewer that is none");
      if (one.is_linked != (owner != no_cell))
        return fail(name + " are known to a viewer, or not, by mistake");
      if (one.is_linked && one.user != owner) return fail(name + " are somebody else's");
      if (one.user_has_rule != rules.has_rule || one.user_audience != rules.audience ||
          one.user_detail != rules.detail)
        return fail(name + " are not known to their relations");
      if (one.is_blocked)
        least = Detail::nothing;
      else if (one.own != Detail::nothing)
        least = std::min(least, one.own);
      if (one.short_hash != region_.pool.at<ViewerRecord>(one.viewer).hash >> 48)
        return fail(name + " name a viewer by another hash");
      hold_shown(one.shown);
      relations_[one.viewer].push_back(cell * relation_places + i);
    }
  }

  void hold_shown(Cell cell) {
    if (cell != no_cell) shown_[cell]++;
  }

  void check_shown(Cell cell, uint32_t holders, Cell owner, const std::string& name) {
    if (!reach(cell, name + "'s shown")) return;
    const Shown& of = region_.pool.at<Shown>(cell);
    if (of.holders != holders)
      return fail(name + " hold what is shown " + std::to_string(holders) + " times, not " +
                  std::to_string(of.holders));
    if (of.is_new && owner != no_cell) return fail(name + " show what still goes on");
    reach_text(of.message, name + "'s shown message");
    reach_text(of.choices, name + "'s shown choices");
    reach_text(of.data, name + "'s shown data");
  }

  const Relation& relation(RelationPlace place) const {
    return region_.pool.at<Relations>(place / relation_places).items[place % relation_places];
  }

  void check_viewer(Cell cell, const std::vector<RelationPlace>& relations) {
    if (!reach(cell, "a viewer")) return;
    const ViewerRecord& of = region_.pool.at<ViewerRecord>(cell);
    realm_ = of.realm;
    partition_ = of.partition;
    char id[max_id_bytes];
    const presence::Key key = region_.viewer_key(of.realm, {id, get_id(region_.pool, of, id)});
    const std::string name = "viewer " + std::string(key.id);
    reach_id(of, name);
    if (of.hash != key.hash || of.partition != key.partition())
      return fail(name + " is in a partition that is not its own");
    if (region_.viewers.find(key) != cell) return fail(name + " is not found by its key");
    if (of.holders != relations.size())
      return fail(name + " is held by " + std::to_string(relations.size()) + ", not " +
                  std::to_string(of.holders));
    std::size_t linked = 0;
    for (const RelationPlace place : relations) linked += relation(place).is_linked;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      RelationPlace before = no_relation;
      for (RelationPlace at = of.first[partition]; at != no_relation; at = relation(at).next) {
        if (linked-- == 0) return fail(name + " lists more relations than it has");
        if (std::count(relations.begin(), relations.end(), at) != 1 || !relation(at).is_linked ||
            user(relation(at).user).partition != partition)
          return fail(name + " lists a relation by mistake");
        if (relation(at).prev != before) return fail(name + " is not linked both ways");
        before = at;
      }
    }
    if (linked != 0) fail(name + " does not list every relation");
  }

  // ---- members

  void check_member(Cell cell, Cell owner, const std::string& owner_name) {
    if (!reach(cell, owner_name + "'s place")) return;
    const Member& of = member(cell);
    if (of.channel == no_cell || of.channel > region_.pool.count())
      return fail(owner_name + " is in a channel that is none");
    char id[max_id_bytes];
    const std::string channel_id(id, get_id(region_.pool, channel(of.channel), id));
    const std::string name = owner_name + "'s place in " + channel_id;
    if (of.user != owner || of.realm != realm_ || of.partition != partition_)
      return fail(name + " is somebody else's");
    if (channel(of.channel).realm != realm_ ||
        of.channel_hash != static_cast<uint32_t>(channel(of.channel).hash >> 32))
      return fail(name + " is in another channel");
    const bool types = of.typing != no_cell;
    if (of.listed != of.joined) return fail(name + " is listed, or not, by mistake");
    if (!of.to_announce && (of.joined != of.told_joined || types != of.told_typing))
      return fail(name + " has changed, and nobody will be told");
    if (!of.to_announce && (of.joined || types) &&
        of.told_detail != to_anyone(user(owner), channel(of.channel).hash, true))
      return fail(name + " is seen otherwise than everybody was told");
    const bool has_moved = of.cursor_changed || of.state_changed;
    if (has_moved && !of.joined && !of.told_joined && !of.to_announce)
      return fail(name + " has moved, and is no member");
    if (has_moved && !of.to_announce && !of.in_lane)
      return fail(name + " has moved, and nobody will be told");
    if (!of.joined && !types && !of.to_announce && of.row == RowState::none)
      return fail(name + " is nothing any more");
    check_row_of_member(of, name);
    check_seats(of, owner, name);
    reach_text(of.data, name + "'s data");
    reach_text(of.cursor, name + "'s cursor");
    reach_text(of.state, name + "'s state");
    if (types && reach(of.typing, name + "'s typing"))
      reach_text(region_.pool.at<Typing>(of.typing).name, name + "'s name");
    members_.push_back(cell);
    records_[of.channel].push_back(cell);
  }

  void check_row_of_member(const Member& of, const std::string& name) {
    const bool comes_back = of.row == RowState::deleting && of.written_again;
    if (of.joined && (of.row == RowState::none || (is_over(of.row) && !comes_back)))
      return fail(name + " will have no row");
    if (!of.joined && of.row != RowState::none && !is_over(of.row))
      return fail(name + " is none any more, and its row stays");
    if (!of.has_row && of.row != RowState::none && of.row != RowState::waiting)
      fail(name + " has no row, and should have one");
  }

  void check_seats(const Member& of, Cell owner, const std::string& name) {
    std::vector<Cell> seats(of.seats.sessions.begin(), of.seats.sessions.end());
    for (Cell more = of.seats.more; more != no_cell;) {
      if (!reach(more, name + "'s seats")) return;
      const MoreSeats& here = region_.pool.at<MoreSeats>(more);
      seats.insert(seats.end(), here.sessions.begin(), here.sessions.end());
      more = here.next;
    }
    std::erase(seats, no_cell);
    if (of.joined != !seats.empty()) return fail(name + " has seats, or none, by mistake");
    std::sort(seats.begin(), seats.end());
    if (std::adjacent_find(seats.begin(), seats.end()) != seats.end())
      return fail(name + " has a session twice");
    for (const Cell seat : seats) {
      Cell at = user(owner).sessions;
      while (at != no_cell && at != seat) at = session(at).next;
      if (at == no_cell) return fail(name + " has a session that is not its user's");
      seats_[seat]++;
    }
  }

  // The lists of a partition in which its members are.
  void check_members(const RealmPartition& share) {
    for (const Cell cell : sessions_)
      if (session(cell).seats != seats_[cell])
        return fail("a session counts " + std::to_string(session(cell).seats) + " seats, not " +
                    std::to_string(seats_[cell]));
    for (uint8_t state = 0; state < row_lists; state++) {
      const std::string name = "member row list " + std::to_string(state);
      const std::size_t count =
          walk_rows<Member>(share.members[state], static_cast<RowState>(state), name);
      check_marked<Member>(members_, static_cast<RowState>(state), count, name);
    }
    if (problem_.empty()) check_members_to_announce(share.members_to_announce);
    if (problem_.empty()) check_lane(share);
    if (problem_.empty()) check_typing(share);
  }

  void check_members_to_announce(Cell head) {
    std::size_t count = 0;
    for (Cell cell = head; cell != no_cell; cell = member(cell).announce_next) {
      if (++count > members_.size()) return fail("the news of members go round in a circle");
      if (!member(cell).to_announce) return fail("the news have a member that did not change");
    }
    expect_count(
        count, [](const Member& of) { return of.to_announce; }, "the news of members");
  }

  void check_lane(const RealmPartition& share) {
    std::size_t count = 0;
    Cell before = no_cell;
    for (Cell cell = share.first_in_lane; cell != no_cell; cell = member(cell).lane_next) {
      if (++count > members_.size()) return fail("the lane goes round in a circle");
      if (!member(cell).in_lane) return fail("the lane has a member that does not know of it");
      if (member(cell).lane_prev != before) return fail("the lane is not linked both ways");
      if (before != no_cell && member(before).lane_at > member(cell).lane_at)
        return fail("the lane is out of order");
      before = cell;
    }
    if (share.last_in_lane != before) fail("the lane does not end with its last");
    expect_count(
        count, [](const Member& of) { return of.in_lane; }, "the lane");
  }

  void check_typing(const RealmPartition& share) {
    std::size_t count = 0;
    Cell before = no_cell;
    for (Cell cell = share.first_typing; cell != no_cell;) {
      const Typing& of = region_.pool.at<Typing>(cell);
      if (++count > members_.size()) return fail("who types goes round in a circle");
      if (member(of.member).typing != cell) return fail("somebody types without knowing");
      if (of.prev != before) return fail("who types is not linked both ways");
      if (before != no_cell && region_.pool.at<Typing>(before).at > of.at)
        return fail("who types is out of order");
      if (of.since > of.at) return fail("somebody types since later than now");
      before = cell;
      cell = of.next;
    }
    if (share.last_typing != before) fail("who types does not end with the last");
    expect_count(
        count, [](const Member& of) { return of.typing != no_cell; }, "who types");
  }

  template <typename Is>
  void expect_count(std::size_t count, Is is, const std::string& name) {
    std::size_t wanted = 0;
    for (const Cell cell : members_) wanted += is(member(cell));
    if (count != wanted)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(wanted));
  }

  // ---- channels

  // Those that are in a list are known from here on, also without a record.
  void check_news_of_channels(uint16_t realm, uint32_t partition) {
    realm_ = realm;
    partition_ = partition;
    const RealmChannels& share = region_.realm(realm).channels[partition];
    std::size_t count = 0;
    for (Cell cell = share.changed; cell != no_cell; cell = channel(cell).changed_next) {
      if (++count > region_.pool.count()) return fail("the changed channels go round in a circle");
      note_channel(cell, channel(cell).in_changed, "the changed channels");
      in_changed_.push_back(cell);
    }
    Cell before = no_cell;
    count = 0;
    for (Cell cell = share.first_told; cell != no_cell; cell = channel(cell).told_next) {
      if (++count > region_.pool.count()) return fail("the told channels go round in a circle");
      note_channel(cell, channel(cell).in_told, "the told channels");
      if (before != no_cell && channel(before).told_at > channel(cell).told_at)
        return fail("the told channels are out of order");
      in_told_.push_back(cell);
      before = cell;
    }
    if (share.last_told != before) fail("the told channels do not end with the last");
  }

  void note_channel(Cell cell, bool knows, const std::string& name) {
    if (!knows) fail(name + " have one that does not know of it");
    if (channel(cell).realm != realm_ || channel(cell).partition != partition_)
      fail(name + " have one of another partition");
    records_.try_emplace(cell);
  }

  void check_channel(Cell cell, const std::vector<Cell>& records) {
    if (!reach(cell, "a channel")) return;
    const Channel& of = channel(cell);
    realm_ = of.realm;
    partition_ = of.partition;
    char id[max_id_bytes];
    const ChannelKey key = region_.channel_key(of.realm, {id, get_id(region_.pool, of, id)});
    const std::string name = "channel " + std::string(key.id);
    if (of.hash != key.hash || of.partition != key.partition())
      return fail(name + " is in a partition that is not its own");
    if (of.records != records.size())
      return fail(name + " has " + std::to_string(records.size()) + " records, not " +
                  std::to_string(of.records));
    if (of.records == 0 && !of.in_changed && !of.in_told)
      return fail(name + " is nothing any more");
    const auto is_in = [&](const std::vector<Cell>& list) {
      return std::count(list.begin(), list.end(), cell) == 1;
    };
    if (of.in_changed != is_in(in_changed_) || of.in_told != is_in(in_told_))
      return fail(name + " is in a list of its realm, or not, by mistake");
    reach_id(of, name);
    check_listed(of, cell, records, name);
    if (region_.channels.members(key) != of.members) fail(name + " is not found by its key");
  }

  void check_listed(const Channel& of, Cell cell, const std::vector<Cell>& records,
                    const std::string& name) {
    std::size_t listed = 0, typing = 0;
    for (const Cell record : records) {
      listed += member(record).listed;
      typing += member(record).typing != no_cell;
    }
    if (of.members != listed)
      return fail(name + " has " + std::to_string(listed) + " members, not " +
                  std::to_string(of.members));
    for (Cell at = of.typing; at != no_cell; at = region_.pool.at<Typing>(at).there_next) {
      const Typing& here = region_.pool.at<Typing>(at);
      if (typing-- == 0 || member(here.member).typing != at || member(here.member).channel != cell)
        return fail(name + " lists who types by mistake");
    }
    if (typing != 0) return fail(name + " does not list everybody who types");
    Cell newer = no_cell;
    for (Cell at = of.newest; at != no_cell; at = member(at).older) {
      if (listed-- == 0) return fail(name + " has more listed than it has");
      if (!member(at).listed || member(at).channel != cell)
        return fail(name + " lists somebody by mistake");
      if (member(at).newer != newer) return fail(name + " is not linked both ways");
      if (newer != no_cell && member(newer).last_active < member(at).last_active)
        return fail(name + " is out of order");
      newer = at;
    }
    if (listed != 0) fail(name + " does not list everybody");
    if (of.oldest != newer) fail(name + " does not end with its oldest");
  }

  // ---- the heap

  void check_heap(Cell root) {
    std::size_t count = 0;
    if (root != no_cell) {
      if (user(root).heap_prev != no_cell || user(root).heap_next != no_cell)
        return fail("the root of the heap has siblings");
      count = check_heap_below(root, 0);
    }
    std::size_t flagged = 0;
    for (const Cell cell : users_) flagged += user(cell).in_heap;
    if (count != flagged)
      fail("the heap has " + std::to_string(count) + " users, not " + std::to_string(flagged));
  }

  std::size_t check_heap_below(Cell parent, std::size_t depth) {
    std::size_t count = 1;
    if (!user(parent).in_heap) fail("the heap has a user that does not know of it");
    if (depth > users_.size()) fail("the heap goes round in a circle");
    Cell before = parent;
    for (Cell child = user(parent).heap_child; child != no_cell && problem_.empty();
         child = user(child).heap_next) {
      if (user(child).heap_prev != before) fail("the heap is not linked both ways");
      if (user(child).due < user(parent).due)
        fail("the heap has an earlier user below a later one");
      if (problem_.empty()) count += check_heap_below(child, depth + 1);
      if (count > users_.size()) fail("the heap goes round in a circle");
      before = child;
    }
    return count;
  }

  // ---- the lists of the worker

  void check_persist(Cell head, Persist state) {
    const std::string name = "persist list " + std::to_string(static_cast<int>(state));
    std::size_t count = 0;
    Cell before = no_cell;
    for (Cell cell = head; cell != no_cell; cell = user(cell).persist_next) {
      if (++count > users_.size()) return fail(name + " goes round in a circle");
      if (user(cell).persist != state) return fail(name + " has a user of another state");
      if (user(cell).persist_prev != before) return fail(name + " is not linked both ways");
      before = cell;
    }
    std::size_t marked = 0;
    for (const Cell cell : users_) marked += user(cell).persist == state;
    if (count != marked)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(marked));
  }

  void check_announcements(Cell head) {
    std::size_t count = 0;
    for (Cell cell = head; cell != no_cell; cell = user(cell).announce_next) {
      if (++count > users_.size()) return fail("the list of the changed goes round in a circle");
      if (!user(cell).to_announce)
        return fail("the list of the changed has one that did not change");
    }
    std::size_t flagged = 0;
    for (const Cell cell : users_) flagged += user(cell).to_announce;
    if (count != flagged)
      fail("the list of the changed has " + std::to_string(count) + ", not " +
           std::to_string(flagged));
  }

  const Region& region_;
  const Policy policy_;
  std::vector<bool> seen_;
  std::vector<Cell> users_, sessions_, members_;          // of the share at hand
  std::map<Cell, uint32_t> seats_;                        // by their session, of the same
  std::map<Cell, uint32_t> kept_by_;                      // sessions, by their gateway
  std::map<Cell, std::vector<Cell>> records_;             // by their channel
  std::vector<Cell> in_changed_, in_told_;                // channels
  std::map<Cell, uint32_t> shown_;                        // held by the rules at hand
  std::map<Cell, std::vector<RelationPlace>> relations_;  // by their viewer
  std::string problem_;
  uint32_t reached_ = 0;
  uint16_t realm_ = 0;
  uint32_t partition_ = 0;
};

}  // namespace

std::string find_problem(const Region& region, uint32_t held, uint32_t held_sessions,
                         const Policy& policy, std::span<const Cell> held_rules) {
  return Checker(region, policy).check(held, held_sessions, held_rules);
}

}  // namespace presence::test
