// roster_activities.cpp: the queue of activities on their way to their rows.
//
// An activity is a text whose first bytes are its head: the next one in the queue, the moment and
// the lengths of its parts. The queue of a partition is under the partition's lock.
#include <algorithm>
#include <cstring>

#include "roster_parts.h"

namespace presence {

namespace {

struct Head {
  Cell next;
  uint16_t page_bytes;
  uint8_t user_bytes, type_bytes;
  Time at;
  uint8_t session_bytes;
};

char* append(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

std::string_view cut(const char*& from, std::size_t bytes) {
  const std::string_view text{from, bytes};
  from += bytes;
  return text;
}

struct ActivityUser {
  uint32_t bytes;
  char text[max_id_bytes];

  std::string_view id() const { return {text, bytes}; }
};

// The id lies behind the head, in the first cell unless it is a long one.
ActivityUser user_of_activity(const CellPool& pool, Cell activity) {
  const TextCell& first = pool.at<TextCell>(activity);
  Head head;
  std::memcpy(&head, first.part, sizeof head);
  ActivityUser user{head.user_bytes, {}};
  const std::size_t here = std::min<std::size_t>(head.user_bytes, TextCell::capacity - sizeof head);
  std::memcpy(user.text, first.part + sizeof head, here);
  if (here < head.user_bytes)
    std::memcpy(user.text + here, pool.at<TextCell>(first.next).part, head.user_bytes - here);
  return user;
}

uint32_t cells_of(const CellPool& pool, Cell text) {
  return (text_bytes(pool, text) + TextCell::capacity - 1) / TextCell::capacity;
}

}  // namespace

Cell& Roster::next_activity(Cell activity) const {
  return *reinterpret_cast<Cell*>(pool_.at<TextCell>(activity).part + offsetof(Head, next));
}

void Roster::note_queued(RealmPartition& share, Cell activity) {
  share.activity_count++;
  share.activity_cells += cells_of(pool_, activity);
}

void Roster::note_dequeued(RealmPartition& share, Cell activity) {
  share.activity_count--;
  share.activity_cells -= cells_of(pool_, activity);
}

bool Roster::is_being_forgotten(uint16_t realm, Cell activity) const {
  const ActivityUser of = user_of_activity(pool_, activity);
  const Cell cell = find(region_.key(realm, of.id()));
  return cell != no_cell && user(cell).forgetting;
}

bool Roster::queue_activity(uint16_t realm, uint32_t partition, const Activity& activity,
                            uint32_t at_most) {
  RealmPartition& share = region_.share(realm, partition);
  if (share.activity_cells >= at_most) return false;
  char text[sizeof(ActivityView::text)];
  const Head head{no_cell,
                  static_cast<uint16_t>(activity.page.size()),
                  static_cast<uint8_t>(activity.user_id.size()),
                  static_cast<uint8_t>(activity.type.size()),
                  activity.at,
                  static_cast<uint8_t>(activity.session_id.size())};
  std::memcpy(text, &head, sizeof head);
  char* end = append(text + sizeof head, activity.user_id);
  end = append(end, activity.type);
  end = append(end, activity.page);
  end = append(end, activity.session_id);
  const std::optional<Cell> queued = put_text(pool_, {text, static_cast<std::size_t>(end - text)});
  if (!queued) return false;
  (share.first_activity == no_cell ? share.first_activity : next_activity(share.last_activity)) =
      *queued;
  share.last_activity = *queued;
  note_queued(share, *queued);
  return true;
}

bool Roster::begin_writing_activity(uint16_t realm, uint32_t partition, ActivityView& out) {
  RealmPartition& share = region_.share(realm, partition);
  Cell before = no_cell;
  Cell taken = share.first_activity;
  // An open transaction would not delete their rows.
  while (taken != no_cell && share.being_forgotten > 0 && is_being_forgotten(realm, taken)) {
    before = taken;
    taken = next_activity(taken);
  }
  if (taken == no_cell) return false;
  (before == no_cell ? share.first_activity : next_activity(before)) = next_activity(taken);
  if (share.last_activity == taken) share.last_activity = before;
  note_dequeued(share, taken);
  next_activity(taken) = share.activities_taken;
  share.activities_taken = taken;

  get_text(pool_, taken, out.text);
  Head head;
  std::memcpy(&head, out.text, sizeof head);
  const char* from = out.text + sizeof head;
  out.activity.at = head.at;
  out.activity.user_id = cut(from, head.user_bytes);
  out.activity.type = cut(from, head.type_bytes);
  out.activity.page = cut(from, head.page_bytes);
  out.activity.session_id = cut(from, head.session_bytes);
  return true;
}

// What was taken last is first in its list: so it goes back in order.
void Roster::end_activities(uint16_t realm, uint32_t partition, bool committed) {
  RealmPartition& share = region_.share(realm, partition);
  while (share.activities_taken != no_cell) {
    const Cell taken = share.activities_taken;
    share.activities_taken = next_activity(taken);
    if (committed) {
      free_text(pool_, taken);
      continue;
    }
    next_activity(taken) = share.first_activity;
    if (share.first_activity == no_cell) share.last_activity = taken;
    share.first_activity = taken;
    note_queued(share, taken);
  }
}

// Whoever is forgotten leaves nothing in the queue.
void Roster::drop_activities_of(const User& user, RealmPartition& share) {
  char id[max_id_bytes];
  const std::string_view user_id{id, get_id(pool_, user, id)};
  Cell before = no_cell;
  for (Cell at = share.first_activity; at != no_cell;) {
    const Cell next = next_activity(at);
    if (user_of_activity(pool_, at).id() != user_id) {
      before = at;
    } else {
      (before == no_cell ? share.first_activity : next_activity(before)) = next;
      note_dequeued(share, at);
      free_text(pool_, at);
    }
    at = next;
  }
  share.last_activity = before;
}

// The table is empty, or gone.
void Roster::forget_activities(RealmPartition& share) {
  for (Cell* head : {&share.first_activity, &share.activities_taken}) {
    while (*head != no_cell) {
      const Cell gone = *head;
      *head = next_activity(gone);
      free_text(pool_, gone);
    }
  }
  share.last_activity = no_cell;
  share.activity_count = share.activity_cells = 0;
}

}  // namespace presence
