// roster_work.cpp: what the worker takes: users to tell of, users to write.
#include <atomic>

#include "roster_parts.h"

namespace presence {

void Roster::mark(Cell cell, RealmPartition& share, Persist state) {
  User& marked = user(cell);
  if (marked.persist == state) return;
  if (marked.persist != Persist::current) {
    Cell& head = share.persist[static_cast<uint8_t>(marked.persist)];
    (marked.persist_prev == no_cell ? head : user(marked.persist_prev).persist_next) =
        marked.persist_next;
    if (marked.persist_next != no_cell)
      user(marked.persist_next).persist_prev = marked.persist_prev;
  }
  marked.persist = state;
  marked.persist_next = marked.persist_prev = no_cell;
  if (state == Persist::current) return;
  Cell& head = share.persist[static_cast<uint8_t>(state)];
  marked.persist_next = head;
  if (head != no_cell) user(head).persist_prev = cell;
  head = cell;
}

void Roster::mark_dirty(Cell cell, RealmPartition& share) {
  User& marked = user(cell);
  if (marked.persist == Persist::current) mark(cell, share, Persist::dirty);
  if (marked.persist == Persist::writing) marked.written_again = true;
}

void Roster::mark_all(RealmPartition& share, Persist from, Persist to) {
  while (share.persist[static_cast<uint8_t>(from)] != no_cell)
    mark(share.persist[static_cast<uint8_t>(from)], share, to);
}

namespace {

// What everybody believes who is told so much of it.
Status visible(Status status, Detail detail) {
  return detail >= Detail::status ? status : Status::offline;
}

}  // namespace

// Compares what is with what was told.
void Roster::note_news(const User& told, const Policy& policy, bool is_shown, UserNews& out) const {
  const Visibility* visibility = visibility_of(told);
  out.told_detail = static_cast<Detail>(told.told_detail);
  out.detail = detail_for_everybody(told, policy, std::nullopt);
  out.audience =
      visibility && visibility->has_rule ? visibility->audience : policy.default_audience;
  out.before = visible(told.announced, out.told_detail);
  out.now = visible(told.status, out.detail);
  out.rules_changed = told.extras != no_cell && pool_.at<Extras>(told.extras).rules_changed;
  const bool stays = out.before != Status::offline && out.now != Status::offline;
  out.everybody_hears =
      out.before != out.now ||
      (out.detail == Detail::full && out.told_detail == Detail::full && told.message_changed) ||
      (stays && (out.detail != out.told_detail || told.data_changed));
  out.is_shown = is_shown;
  const bool may_know =
      told.detail_changed || out.told_detail >= Detail::status || out.detail >= Detail::status;
  out.everybody_hears |= is_shown && may_know;
}

// Readers of one partition may do this at the same time: all of them write the same.
void Roster::note_shown(uint16_t realm, uint32_t partition) {
  RealmPartition& share = region_.share(realm, partition);
  std::atomic_ref(share.shown_from).store(share.to_announce, std::memory_order_relaxed);
  std::atomic_ref(share.members_shown_from)
      .store(share.members_to_announce, std::memory_order_relaxed);
}

bool Roster::take_announcement(uint16_t realm, uint32_t partition, const Policy& policy,
                               bool is_shown, UserNews& out) {
  RealmPartition& share = region_.share(realm, partition);
  while (share.to_announce != no_cell) {
    const Cell cell = share.to_announce;
    User& told = user(cell);
    share.to_announce = told.announce_next;
    told.to_announce = false;
    const bool was_shown = take_shown(share.shown_from, cell, told.announce_next);

    note_news(told, policy, is_shown || was_shown, out);
    const bool tell = told.status != told.announced || told.message_changed ||
                      (told.data_changed && told.status != Status::offline) || out.rules_changed ||
                      out.everybody_hears || out.is_shown;
    const Cell message =
        told.extras == no_cell ? no_cell : pool_.at<Extras>(told.extras).choices.top.message;
    if (tell) copy_out(told, message, out.user);
    out.user.cell = cell;
    told.announced = told.status;
    told.told_detail = static_cast<uint32_t>(out.detail) & 3;
    told.message_changed = told.data_changed = false;
    told.detail_changed = 0;
    if (out.rules_changed) {
      pool_.at<Extras>(told.extras).rules_changed = false;
      free_bare_extras(told);
    }
    if (told.row_is_current) drop_reason_text(told);
    if (!told.row_is_current)
      mark(cell, share, told.persist == Persist::held ? Persist::held : Persist::waiting);
    if (is_blank(told)) remove(cell, share);
    if (tell) return true;
  }
  return false;
}

bool Roster::begin_writing(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                           UserView& out) {
  RealmPartition& share = region_.share(realm, partition);
  for (;;) {
    const Cell cell = share.persist[static_cast<uint8_t>(Persist::waiting)];
    if (cell == no_cell) return false;
    User& next = user(cell);
    if (next.claims > 0) {
      mark(cell, share, Persist::held);
      continue;
    }
    mark(cell, share, Persist::writing);
    next.written_again = false;
    view(cell, {}, policy, now, out);
    // The row follows what has been settled and told, not what is due by now.
    out.status = next.status;
    return true;
  }
}

void Roster::end_writing(Cell cell) {
  User& written = user(cell);
  RealmPartition& share = share_of(written);
  mark(cell, share, written.written_again ? Persist::dirty : Persist::current);
  if (!written.to_announce) drop_reason_text(written);
}

// Listeners and history know why by now, unless one of its channels has not been told yet.
void Roster::drop_reason_text(User& user) {
  if (user.extras == no_cell) return;
  for (Cell at = members_of(user); at != no_cell; at = pool_.at<Member>(at).next)
    if (pool_.at<Member>(at).to_announce) return;
  set_text(pool_.at<Extras>(user.extras).reason_text, no_cell);
  free_bare_extras(user);
}

void Roster::give_up_writing(Cell cell) { mark(cell, share_of(user(cell)), Persist::held); }

void Roster::flush(uint16_t realm, uint32_t partition) {
  mark_all(region_.share(realm, partition), Persist::dirty, Persist::waiting);
}

void Roster::try_again(uint16_t realm, uint32_t partition) {
  mark_all(region_.share(realm, partition), Persist::held, Persist::waiting);
}

void Roster::recover_writing(uint16_t realm, uint32_t partition) {
  mark_all(region_.share(realm, partition), Persist::writing, Persist::waiting);
}

bool Roster::has(uint16_t realm, uint32_t partition, Persist state) const {
  return region_.share(realm, partition).persist[static_cast<uint8_t>(state)] != no_cell;
}

bool Roster::has_announcements(uint16_t realm, uint32_t partition) const {
  return region_.share(realm, partition).to_announce != no_cell;
}

}  // namespace presence
