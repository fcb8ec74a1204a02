// roster_sessions.cpp: sessions come, are heard of, and go.
#include <algorithm>
#include <new>
#include <utility>

#include "roster_parts.h"

namespace presence {

// ---- making and ending -----------------------------------------------------

Cell Roster::make_session(const NewSession& wanted) {
  const Cell cell = pool_.take();
  if (cell == no_cell) return no_cell;
  Session& made = *new (&pool_.at<Session>(cell)) Session{};
  const std::optional<Cell> details = put_text(pool_, wanted.details);
  const std::optional<Cell> page = put_text(pool_, wanted.page);
  if (!details || !page || !set_id(pool_, made, wanted.key.id)) {
    free_text(pool_, details.value_or(no_cell));
    free_text(pool_, page.value_or(no_cell));
    pool_.give(cell);
    return no_cell;
  }
  made.realm = wanted.key.realm;
  made.details = *details;
  made.page = *page;
  made.facts.said = wanted.said;
  made.facts.lease = wanted.lease;
  made.gateway = wanted.gateway;
  made.binder = wanted.binder;
  made.is_secret = wanted.is_secret;
  return cell;
}

void Roster::free_session(Cell session) {
  if (session == no_cell) return;
  Session& freed = pool_.at<Session>(session);
  free_text(pool_, freed.details);
  free_text(pool_, freed.page);
  region_.sessions.release_gateway(freed.gateway);
  free_id(pool_, freed);
  pool_.give(session);
}

// Nobody finds it any more. What is left of it waits until its row is deleted.
void Roster::end_session(Cell session) {
  Session& ended = pool_.at<Session>(session);
  if (ended.id_bytes > 0) region_.sessions.remove(region_.hash_of(ended), session);
  if (!ended.has_row) {
    mark_row(session, RowState::none);
    free_session(session);
    return;
  }
  free_text(pool_, ended.details);
  free_text(pool_, ended.page);
  region_.sessions.release_gateway(ended.gateway);
  ended.details = ended.page = ended.gateway = ended.user = no_cell;
  mark_row(session, RowState::ended);
}

// Before anybody may find it.
void Roster::set_owner(Cell cell, Cell session) {
  const User& of = user(cell);
  Session& owned = pool_.at<Session>(session);
  owned.realm = of.realm;
  owned.partition = of.partition;
  owned.user = cell;
}

void Roster::link_session(Cell cell, Cell session) {
  User& of = user(cell);
  pool_.at<Session>(session).next = of.sessions;
  of.sessions = session;
}

void Roster::link_session_last(Cell cell, Cell session) {
  Cell* link = &user(cell).sessions;
  while (*link != no_cell) link = &pool_.at<Session>(*link).next;
  pool_.at<Session>(session).next = no_cell;
  *link = session;
}

// Whoever has a session of its own needs none that was made up: it takes its place.
void Roster::drop_implicit(Cell cell, Cell heir) {
  for (Cell* link = &user(cell).sessions; *link != no_cell;) {
    const Cell session = *link;
    Session& there = pool_.at<Session>(session);
    if (there.id_bytes > 0) {
      link = &there.next;
      continue;
    }
    *link = there.next;
    hand_over_seats(user(cell), session, heir);
    end_session(session);
  }
}

// From now on the session's own cell says what is so.
void Roster::write_back(User& user) {
  if (!user.lives_on_touches) return;
  pool_.at<Session>(user.sessions).facts.active_at = user.last_seen;
  user.lives_on_touches = false;
}

Cell Roster::session_in(uint32_t partition, const SessionKey& key) const {
  const SessionIndex::Found found = region_.sessions.find(key);
  return found.partition == partition ? found.session : no_cell;
}

bool Roster::has_room_for_session(Cell cell) const {
  uint32_t count = 0;
  for (Cell at = user(cell).sessions; at != no_cell; at = pool_.at<Session>(at).next) count++;
  return count < max_sessions;
}

bool Roster::is_connected(Cell session, const Policy& policy, Time now) const {
  const Session& asked = pool_.at<Session>(session);
  const SessionFacts facts = facts_of(user(asked.user), asked, policy);
  return !facts.disconnected && status_of(facts, policy, now) != Status::offline;
}

bool Roster::has_session(Cell cell, Cell session) const {
  for (Cell at = user(cell).sessions; at != no_cell; at = pool_.at<Session>(at).next)
    if (at == session) return true;
  return false;
}

// ---- heard of --------------------------------------------------------------

bool Roster::heartbeat(Cell session, const Policy& policy, Time now, bool& changed) {
  Session& heard = pool_.at<Session>(session);
  const Cell cell = heard.user;
  User& of = user(cell);
  RealmPartition& share = share_of(of);
  changed = false;

  // Most heartbeats only put off an end. The due moment may be too early then, which is found out
  // when it comes.
  const bool is_usual = heard.facts.heard_at != forever_ago && heard.facts.ends_at == never;
  if (is_usual && now < end_of(facts_of(of, heard, policy), policy)) {
    record_heartbeat(heard.facts, now);
    changed = mark_row_dirty(session);
    return true;
  }

  const Time due = due_of(of, policy);
  const bool was_told = !of.to_announce;
  settle_user(cell, share, policy, now);
  const bool lives = has_session(cell, session);
  if (lives) write_back(of);
  const bool counts = lives && record_heartbeat(heard.facts, now);
  if (lives) {
    if (counts) changed = mark_row_dirty(session);
    Loaded loaded = load_facts(cell, policy, now);
    Spares none;
    refresh(cell, share, loaded, policy, now, Reason::activity, none);
  }
  changed |= (was_told && of.to_announce) || due_of(of, policy) < due;
  return counts;
}

// The person did something in it; if it has just been made, it is their first.
void Roster::touch_session(Cell cell, Cell session, Time at) {
  Session& touched = pool_.at<Session>(session);
  record_activity(touched.facts, at);
  if (touched.row != RowState::none) {
    mark_row_dirty(session);
    return;
  }
  touched.connected_at = at;
  link_session(cell, session);
  drop_implicit(cell, session);
  mark_row(session, RowState::waiting);
}

bool Roster::unbind(Cell session, uint32_t binder, const Policy& policy, Time now) {
  Session& bound = pool_.at<Session>(session);
  if (bound.binder != binder) return false;
  const Cell cell = bound.user;
  RealmPartition& share = share_of(user(cell));
  settle_user(cell, share, policy, now);
  if (!has_session(cell, session) || bound.facts.disconnected) return false;
  write_back(user(cell));
  bound.binder = 0;
  disconnect(bound.facts, policy, now, Reason::disconnect);
  stop_typing_after_goodbye(user(cell), now);
  Loaded loaded = load_facts(cell, policy, now);
  Spares none;
  refresh(cell, share, loaded, policy, now, Reason::disconnect, none);
  return true;
}

// ---- after a restart -------------------------------------------------------

// A user who has not connected in this run has one session that was made up.
bool Roster::load_session(Cell cell, const SessionRowFacts& row, const Policy& policy, Time now) {
  User& of = user(cell);
  RealmPartition& share = share_of(of);
  settle_user(cell, share, policy, now);
  if (of.sessions == no_cell || region_.sessions.find(row.key).session != no_cell ||
      !has_room_for_session(cell))
    return false;
  write_back(of);
  const Session& first = pool_.at<Session>(of.sessions);
  if (first.is_connected) return false;

  NewSession wanted;
  wanted.key = row.key;
  wanted.page = row.page;
  wanted.lease = row.lease;
  const Cell session = make_session(wanted);
  if (session == no_cell) return false;
  set_owner(cell, session);
  if (!region_.sessions.insert(row.key, session)) {
    free_session(session);
    return false;
  }
  Session& made = pool_.at<Session>(session);
  made.gateway = row.gateway;
  made.has_row = true;
  made.row = RowState::current;
  made.connected_at = row.connected_at;
  made.facts.active_at = row.active_at;
  made.facts.heard_at = row.heard_at;
  made.facts.ends_at = row.ends_at;
  // The user's own row knows better when the person was last active, and so does a touch since; and
  // what the newest session said, unless something chosen lay over it, or another session says it.
  Status said = row.status;
  if (first.id_bytes == 0) {
    made.facts.active_at = std::max(row.active_at, first.facts.active_at);
    if (first.facts.ends_at == never) made.facts.ends_at = never;
    const bool chosen =
        of.extras != no_cell && pool_.at<Extras>(of.extras).choices.top.status != Status::offline;
    const bool another_says = first.facts.said > row.status && first.facts.said <= row.strongest;
    if (!chosen && !another_says) said = first.facts.said;
  }
  const bool is_idle = now - policy.idle_timeout >= made.facts.active_at;
  made.facts.said =
      said == Status::busy || (said == Status::away && !is_idle) ? said : Status::online;
  link_session_last(cell, session);
  drop_implicit(cell, session);
  if (said != row.status) mark_row_dirty(session);
  Loaded loaded = load_facts(cell, policy, now);
  Spares none;
  refresh(cell, share, loaded, policy, now, Reason::activity, none);
  return true;
}

// ---- committed wishes about a session --------------------------------------

namespace {

// The session is as the one that has just connected, and that one as it was.
void take_over(Session& session, Session& from) {
  session.facts = from.facts;
  session.is_connected = from.is_connected;
  std::swap(session.gateway, from.gateway);
  // Of what it does not say again the old is kept, here as in the row.
  if (from.details != no_cell) std::swap(session.details, from.details);
  std::swap(session.page, from.page);
  session.binder = from.binder;
}

}  // namespace

// Whether the session that a wish names is the user's, or becomes so just now. Users of other
// partitions may connect with the same id at this very moment: the index decides.
bool Roster::has_named_session(Cell cell, const Wish& wish, Cell there, Cell owner) {
  if (there != no_cell) return owner == cell;
  if (wish.change.kind != ChangeKind::connect) return false;
  set_owner(cell, wish.spare_session);
  return region_.sessions.insert(wish.session, wish.spare_session);
}

void Roster::grant_connect(Cell cell, Wish& wish, Cell there) {
  Session& made = pool_.at<Session>(wish.spare_session);
  made.facts.said = wish.change.status;
  made.facts.active_at = made.connected_at = wish.change.at;
  made.is_connected = true;
  if (there != no_cell) {
    // The person may have been active in it since.
    made.facts.active_at = std::max(made.facts.active_at, pool_.at<Session>(there).facts.active_at);
    take_over(pool_.at<Session>(there), made);
    free_session(wish.spare_session);
    mark_row(there, RowState::waiting);
    drop_implicit(cell, there);
  } else {
    link_session(cell, wish.spare_session);
    mark_row(wish.spare_session, RowState::waiting);
    drop_implicit(cell, wish.spare_session);
  }
  wish.spare_session = no_cell;
}

void Roster::grant_disconnect(Cell cell, Session& session, Wish& wish, const Policy& policy,
                              Time now, Spares& spares) {
  if (session.facts.disconnected) return;
  disconnect(session.facts, policy, now, wish.reason);
  if (wish.reason != Reason::custom) return;
  User& of = user(cell);
  if (of.extras == no_cell) give_extras(of, spares.extras);
  set_text(pool_.at<Extras>(of.extras).parting_text, spares.reason_text);
  spares.reason_text = no_cell;
}

// The worker writes the row, also where the transaction has written it already.
void Roster::grant_in_session(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy,
                              Time now) {
  User& changed = user(cell);
  const SessionIndex::Found found = region_.sessions.find(wish.session);
  // Somebody else's by now, or gone.
  if (!has_named_session(cell, wish, found.session, found.user)) {
    if (wish.change.kind == ChangeKind::disconnect) return;
    // The row may say otherwise.
    mark(cell, share, Persist::waiting);
    changed.row_is_current = false;
    changed.moved_on = changed.claims > 0;
    return;
  }
  write_back(changed);
  Spares spares{no_cell, wish.spare_extras, wish.reason_text};
  wish.spare_extras = wish.reason_text = no_cell;
  Time seen_at = wish.change.at;
  switch (wish.change.kind) {
    case ChangeKind::connect:
      grant_connect(cell, wish, found.session);
      break;
    case ChangeKind::disconnect:
      grant_disconnect(cell, pool_.at<Session>(found.session), wish, policy, now, spares);
      stop_typing_after_goodbye(changed, now);
      seen_at = forever_ago;
      break;
    default:
      say(pool_.at<Session>(found.session).facts, wish.change.status, wish.change.at);
      if (wish.change.status == Status::away) seen_at = forever_ago;
      mark_row(found.session, RowState::waiting);
      break;
  }
  if (wish.gives_page) {
    set_text(changed.page, wish.page);
    wish.page = no_cell;
  }
  if (wish.gives_data && !same_text(changed.data, wish.data)) {
    set_text(changed.data, wish.data);
    wish.data = no_cell;
    note_data(cell, share);
  }

  Loaded loaded = load_facts(cell, policy, now);
  loaded.facts.last_seen = std::max(loaded.facts.last_seen, seen_at);
  apply(loaded.facts, wish.change, loaded.dropped);
  wish.change.message.reset();
  expire(loaded.facts.choices, now, loaded.dropped);
  refresh(cell, share, loaded, policy, now, wish.reason, spares);
  pool_.give(spares.extras);
  free_text(pool_, spares.reason_text);
  if (wish.change.kind == ChangeKind::say && !changed.to_announce)
    mark(cell, share, Persist::waiting);
  else
    mark_dirty(cell, share);
  changed.row_is_current = false;
  changed.moved_on = changed.claims > 0;
}

// ---- a transaction's own view ----------------------------------------------

// The sessions of one user as open wishes leave them: those that a wish names and the newest of
// the others one by one, all the rest taken together.
class Roster::OwnSessions {
 public:
  struct One {
    std::string_view id;
    Cell cell = no_cell;
    SessionFacts facts;
    bool implicit = false;
    bool here = false;
  };

  OwnSessions(const Roster& roster, Cell cell, std::span<const Wish> wishes, const Policy& policy,
              Time now)
      : roster_(roster), policy_(policy), now_(now) {
    for (const Wish& wish : wishes)
      if (!wish.session.id.empty() && !named(wish.session.id)) add_named(cell, wish);
    const User& of = roster.user(cell);
    for (Cell at = of.sessions; at != no_cell; at = session(at).next) add_other(of, at);
  }

  void apply(const Wish& wish, UserFacts& facts) {
    if (wish.session.id.empty()) return apply_to_all(wish.change, facts);
    const Time at = wish.change.at;
    One* one = named(wish.session.id);
    if (names_channel(wish.change.kind)) return join_in(one, wish, facts);
    DroppedTexts ignored;
    presence::apply(facts, wish.change, ignored);
    if (!one) return take_together(wish, facts);
    switch (wish.change.kind) {
      case ChangeKind::connect: {
        const Time active_at = one->here ? std::max(one->facts.active_at, at) : at;
        for (One& other : all())
          if (other.implicit) other.here = false;
        one->facts = roster_.facts_of(blank_, session(wish.spare_session), policy_);
        one->facts.said = wish.change.status;
        one->facts.active_at = active_at;
        one->here = true;
        facts.last_seen = std::max(facts.last_seen, at);
        return;
      }
      case ChangeKind::disconnect:
        if (one->here && !one->facts.disconnected) disconnect(one->facts, policy_, at, wish.reason);
        return;
      default:
        if (!one->here) return;
        say(one->facts, wish.change.status, at);
        if (wish.change.status != Status::away) facts.last_seen = std::max(facts.last_seen, at);
        return;
    }
  }

  // To join a channel in a session is an activity in it.
  static void join_in(One* one, const Wish& wish, UserFacts& facts) {
    if (wish.change.kind != ChangeKind::join) return;
    facts.last_seen = std::max(facts.last_seen, wish.change.at);
    if (one && one->here) record_activity(one->facts, wish.change.at);
  }

  // One more than there is room for: it has come, and what it does afterwards is not seen.
  void take_together(const Wish& wish, UserFacts& facts) {
    if (wish.change.kind != ChangeKind::connect) return;
    SessionFacts came = roster_.facts_of(blank_, session(wish.spare_session), policy_);
    came.said = wish.change.status;
    came.active_at = wish.change.at;
    rest_.add(came, policy_, now_);
    rest_count_++;
    facts.last_seen = std::max(facts.last_seen, wish.change.at);
  }

  // Puts them into the facts.
  One* fold(UserFacts& facts) {
    facts.others = rest_;
    facts.connected = false;
    One* newest = nullptr;
    for (One& one : all())
      if (lives(one) && (!newest || is_newer(one.facts, newest->facts))) newest = &one;
    for (One& one : all())
      if (lives(one) && &one != newest) facts.others.add(one.facts, policy_, now_);
    if (newest) {
      facts.connected = true;
      facts.newest = newest->facts;
    }
    return newest;
  }

  uint32_t count() {
    uint32_t count = rest_count_;
    for (const One& one : all()) count += lives(one) && !one.facts.disconnected;
    return count;
  }

 private:
  static constexpr std::size_t most = 66;  // more in one transaction are taken together

  std::span<One> all() { return {ones_.data(), count_}; }
  const Session& session(Cell cell) const { return roster_.pool_.at<Session>(cell); }
  bool lives(const One& one) const {
    return one.here && status_of(one.facts, policy_, now_) != Status::offline;
  }

  One* named(std::string_view id) {
    for (One& one : all())
      if (one.id == id && !id.empty()) return &one;
    return nullptr;
  }

  // The session that a wish makes up takes the place of one that is over.
  One* unused() {
    for (One& one : all())
      if (!one.here && one.id.empty()) return &one;
    return add();
  }
  One* add() { return count_ < most ? &ones_[count_++] : nullptr; }

  void add_named(Cell cell, const Wish& wish) {
    if (count_ + 2 >= most) return;
    One& one = *add();
    one.id = wish.session.id;
    const SessionIndex::Found found = roster_.region_.sessions.find(wish.session);
    if (found.session == no_cell || found.user != cell) return;
    one.cell = found.session;
    one.facts = roster_.facts_of(roster_.user(cell), session(found.session), policy_);
    one.here = status_of(one.facts, policy_, now_) != Status::offline;
  }

  void add_other(const User& of, Cell cell) {
    for (const One& one : all())
      if (one.cell == cell) return;
    const SessionFacts facts = roster_.facts_of(of, session(cell), policy_);
    if (status_of(facts, policy_, now_) == Status::offline) return;
    One next{{}, cell, facts, session(cell).id_bytes == 0, true};
    if (!other_) {
      other_ = add();
      *other_ = next;
      return;
    }
    if (is_newer(facts, other_->facts)) std::swap(*other_, next);
    rest_.add(next.facts, policy_, now_);
    rest_count_ += !next.facts.disconnected;
  }

  // What is about the user counts for the newest session, or ends them all.
  void apply_to_all(const Change& change, UserFacts& facts) {
    One* newest = fold(facts);
    facts.all_ended = false;
    DroppedTexts ignored;
    presence::apply(facts, change, ignored);
    if (facts.all_ended) {
      rest_ = Merged{};
      rest_count_ = 0;
      for (One& one : all()) one.here = false;
      newest = nullptr;
    }
    if (!facts.connected) return;
    if (!newest) newest = unused();
    if (!newest) return;
    if (!newest->here) *newest = One{newest->id, no_cell, facts.newest, newest->id.empty(), true};
    newest->facts = facts.newest;
  }

  const Roster& roster_;
  const Policy& policy_;
  Time now_;
  User blank_{};
  std::array<One, most> ones_;
  std::size_t count_ = 0;
  One* other_ = nullptr;
  Merged rest_;
  uint32_t rest_count_ = 0;
};

UserFacts Roster::facts_with(Cell cell, std::span<const Wish> wishes, const Policy& policy,
                             Time now, uint32_t& count) const {
  OwnSessions sessions(*this, cell, wishes, policy, now);
  UserFacts facts;
  facts.last_seen = user(cell).last_seen;
  if (user(cell).extras != no_cell) facts.choices = pool_.at<Extras>(user(cell).extras).choices;
  DroppedTexts ignored;
  expire(facts.choices, now, ignored);
  for (const Wish& wish : wishes) {
    ignored.count = 0;
    // What an earlier wish chose may have expired before this one was made.
    expire(facts.choices, wish.change.at, ignored);
    sessions.apply(wish, facts);
  }
  ignored.count = 0;
  expire(facts.choices, now, ignored);
  sessions.fold(facts);
  count = sessions.count();
  return facts;
}

// ---- reads -----------------------------------------------------------------

void Roster::view_session(Cell cell, const Policy& policy, Time now, SessionView& out) const {
  const Session& viewed = pool_.at<Session>(cell);
  out.cell = cell;
  out.partition = viewed.partition;
  out.user_id_bytes = out.page_bytes = out.details_bytes = out.gateway_bytes = 0;
  out.id_bytes = get_id(pool_, viewed, out.id_text);
  out.connected_at = viewed.connected_at;
  out.status = Status::offline;
  if (viewed.user == no_cell) return;
  const User& of = user(viewed.user);
  const SessionFacts facts = facts_of(of, viewed, policy);
  out.status = status_of(facts, policy, now);
  out.active_at = facts.active_at;
  out.heard_at = facts.heard_at;
  out.lease = facts.lease;
  out.user_id_bytes = get_id(pool_, of, out.user_id_text);
  out.page_bytes = get_text(pool_, viewed.page, out.page_text);
  out.details_bytes = get_text(pool_, viewed.details, out.details_text);
  out.has_details = viewed.details != no_cell;
  if (viewed.gateway != no_cell)
    out.gateway_bytes = get_id(pool_, pool_.at<Gateway>(viewed.gateway), out.gateway_text);
}

std::size_t Roster::sessions(Cell cell, const Policy& policy, Time now,
                             std::span<SessionView> room) const {
  const User& of = user(cell);
  std::size_t found = 0;
  for (Cell at = of.sessions; at != no_cell; at = pool_.at<Session>(at).next) {
    if (status_of(facts_of(of, pool_.at<Session>(at), policy), policy, now) == Status::offline)
      continue;
    if (found < room.size()) view_session(at, policy, now, room[found]);
    found++;
  }
  return found;
}

}  // namespace presence
