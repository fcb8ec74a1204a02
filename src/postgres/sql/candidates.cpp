// candidates.cpp: collecting them.
#include "postgres/sql/candidates.h"

#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/sql/viewer.h"

namespace presence {

void Candidates::grow(size_t to) {
  capacity = to;
  const Size bytes = sizeof(Candidate) * capacity;
  items = static_cast<Candidate*>(items ? repalloc_huge(items, bytes)
                                        : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
}

void Candidates::add(std::string_view id, Time last_seen) {
  if (count == capacity) grow(count * 2 + 16);
  Candidate& added = items[count++];
  added.last_seen = last_seen;
  added.id_bytes = static_cast<uint32_t>(id.size());
  std::memcpy(added.id_text, id.data(), id.size());
}

void Candidates::sort() {
  const auto by_id = [](const Candidate& a, const Candidate& b) {
    return a.id() != b.id() ? a.id() < b.id() : a.last_seen > b.last_seen;
  };
  const auto same = [](const Candidate& a, const Candidate& b) { return a.id() == b.id(); };
  const auto newest_first = [](const Candidate& a, const Candidate& b) {
    return a.last_seen != b.last_seen ? a.last_seen > b.last_seen : a.id() < b.id();
  };
  std::sort(items, items + count, by_id);
  count = static_cast<size_t>(std::unique(items, items + count, same) - items);
  std::sort(items, items + count, newest_first);
}

namespace {

constexpr Status present[] = {Status::online, Status::busy, Status::away};

size_t count_closed(const RealmRef& realm, const Policy& policy, Time now) {
  Counts all;
  Counts seen;
  count_users(realm, policy, now, all);
  count_seen_users(realm, policy, now, seen);
  const uint32_t everybody = all.online + all.busy + all.away;
  const uint32_t not_closed = seen.online + seen.busy + seen.away;
  return everybody > not_closed ? everybody - not_closed : 0;
}

void add_closed(const RealmRef& realm, Candidates& to) {
  for (uint32_t partition = 0; partition < partition_count; partition++)
    for (const Status status : present)
      to.add([&](std::span<Candidate> room) {
        return collect_users_of(realm, partition, status, UserKind::closed, room);
      });
}

void add_members(const RealmRef& realm, const ChannelKey& channel, uint32_t members,
                 Candidates& to) {
  const size_t room = members + members / 4 + 16;
  auto* found = static_cast<MemberCandidate*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MemberCandidate) * room));
  const auto count = collect_members(realm, channel, nullptr, forever_ago, current_policy(),
                                     current_time(), {found, room});
  for (size_t i = 0; i < count.value_or(0); i++) to.add(found[i].id(), forever_ago);
  pfree(found);
}

// Whoever shows itself to those with whom it shares a channel: the members of the viewer's
// channels, or all who are closed, whoever are fewer.
void add_companions(const RealmRef& realm, const Viewer& viewer, Candidates& to) {
  const Policy policy = current_policy();
  const Time now = current_time();
  const size_t closed = count_closed(realm, policy, now);
  if (closed == 0 || viewer.channels.empty()) return;
  const ChannelIds channels = stored_channels(realm, viewer.key);
  size_t members = 0;
  for (size_t i = 0; i < channels.count; i++)
    members += count_members(realm, realm.channel_key(channels.ids[i]), policy, now);
  if (closed <= members) {
    add_closed(realm, to);
    return;
  }
  for (size_t i = 0; i < channels.count; i++) {
    const ChannelKey channel = realm.channel_key(channels.ids[i]);
    add_members(realm, channel, count_members(realm, channel, policy, now), to);
  }
}

}  // namespace

Candidates special_to(const RealmRef& realm, const Viewer& viewer) {
  const Policy policy = current_policy();
  Candidates special;
  special.add([&](std::span<Candidate> room) {
    return collect_related_users(realm, viewer, policy, room);
  });
  for (size_t i = 0; i < special.count; i++) special.items[i].last_seen = forever_ago;
  add_companions(realm, viewer, special);
  special.add(viewer.key.id, forever_ago);
  special.sort();
  return special;
}

}  // namespace presence
