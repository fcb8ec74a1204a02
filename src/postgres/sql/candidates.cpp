// candidates.cpp: collecting them.
#include "postgres/sql/candidates.h"

#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/users.h"
#include "postgres/sql/viewer.h"
#include "postgres/transaction/channel_ids.h"

namespace presence {

namespace {

Ordered all_of(const Candidates& candidates) {
  auto** items = static_cast<const Candidate**>(MemoryContextAllocHuge(
      CurrentMemoryContext, sizeof(const Candidate*) * (candidates.count + 1)));
  for (size_t i = 0; i < candidates.count; i++) items[i] = &candidates.items[i];
  return {items, candidates.count};
}

// Who was found twice may have been found at two times: the known one counts.
void keep_each_once(Ordered& candidates) {
  const Candidate** end = candidates.items + candidates.count;
  std::sort(candidates.items, end, [](const Candidate* a, const Candidate* b) {
    return a->id() != b->id() ? a->id() < b->id() : a->last_seen > b->last_seen;
  });
  end = std::unique(candidates.items, end,
                    [](const Candidate* a, const Candidate* b) { return a->id() == b->id(); });
  candidates.count = static_cast<size_t>(end - candidates.items);
}

void sort_by_last_seen(Ordered& candidates) {
  std::sort(candidates.items, candidates.items + candidates.count,
            [](const Candidate* a, const Candidate* b) {
              return a->last_seen != b->last_seen ? a->last_seen > b->last_seen : a->id() < b->id();
            });
}

}  // namespace

Ordered in_order(const Candidates& candidates) {
  Ordered ordered = all_of(candidates);
  sort_by_last_seen(ordered);
  return ordered;
}

Ordered each_once_in_order(const Candidates& candidates) {
  Ordered ordered = all_of(candidates);
  keep_each_once(ordered);
  sort_by_last_seen(ordered);
  return ordered;
}

// Whoever comes in between comes before the others, so all of them are collected again.
std::optional<FoundMembers> collect_at_most(size_t most, const RealmRef& realm,
                                            const ChannelKey& channel, const UserKey* after,
                                            Time not_before) {
  const Policy policy = current_policy();
  const Time now = current_time();
  constexpr size_t may_come = 16;
  size_t room = Min(most, count_members(realm, channel, policy, now) + may_come);
  for (;; room = Min(most, room * 2)) {
    CHECK_FOR_INTERRUPTS();
    auto* items = static_cast<MemberCandidate*>(
        MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MemberCandidate) * room));
    const auto count =
        collect_members(realm, channel, after, not_before, policy, now, {items, room});
    if (!count) return std::nullopt;
    if (*count < room || room == most) return FoundMembers{items, *count};
    pfree(items);
  }
}

namespace {

constexpr Status present[] = {Status::online, Status::busy, Status::away};

size_t count_closed(const RealmRef& realm, const Policy& policy, Time now) {
  Counts all;
  Counts seen;
  count_users(realm, policy, now, all);
  count_seen_users(realm, policy, now, seen);
  return all.total() > seen.total() ? all.total() - seen.total() : 0;
}

void add_closed(const RealmRef& realm, Candidates& to) {
  for (uint32_t partition = 0; partition < partition_count; partition++)
    for (const Status status : present)
      to.add_all([&](std::span<Candidate> room) {
        return collect_users_of(realm, partition, status, UserKind::closed, room);
      });
}

void add_id(std::string_view id, Candidates& to) {
  Candidate& added = to.add();
  added.last_seen = forever_ago;
  added.id_bytes = static_cast<uint32_t>(id.size());
  std::memcpy(added.id_text, id.data(), id.size());
}

void add_members(const RealmRef& realm, const ChannelKey& channel, Candidates& to) {
  const auto found = collect_at_most(SIZE_MAX, realm, channel, nullptr, forever_ago);
  if (!found) return;
  for (size_t i = 0; i < found->count; i++) add_id(found->items[i].id(), to);
  pfree(found->items);
}

// Whoever shows itself to those with whom it shares a channel: the members of the viewer's
// channels, or all who are closed, whoever are fewer.
void add_companions(const RealmRef& realm, const Viewer& viewer, Candidates& to) {
  const Policy policy = current_policy();
  const Time now = current_time();
  const size_t closed = viewer.channels.empty() ? 0 : count_closed(realm, policy, now);
  if (closed == 0) return;
  const ChannelIds channels = stored_channels(realm, viewer.key);
  size_t members = 0;
  for (size_t i = 0; i < channels.count; i++)
    members += count_members(realm, realm.channel_key(channels.ids[i]), policy, now);
  if (closed <= members) {
    add_closed(realm, to);
    return;
  }
  for (size_t i = 0; i < channels.count; i++)
    add_members(realm, realm.channel_key(channels.ids[i]), to);
}

void keep_each_once(Specials& specials) {
  std::sort(specials.items, specials.items + specials.count,
            [](const Special& a, const Special& b) { return a.who.id() < b.who.id(); });
  Special* end =
      std::unique(specials.items, specials.items + specials.count,
                  [](const Special& a, const Special& b) { return a.who.id() == b.who.id(); });
  specials.count = static_cast<size_t>(end - specials.items);
}

void add_related(const RealmRef& realm, const Viewer& viewer, const Cutoffs* cutoffs,
                 Specials& to) {
  const Policy policy = current_policy();
  const Time now = current_time();
  for (uint32_t partition = 0; partition < partition_count; partition++)
    to.add_all([&](std::span<Special> room) {
      return collect_related_users(realm, partition, viewer, policy, now, cutoffs, room);
    });
}

void add_others(const RealmRef& realm, const Viewer& viewer, const Candidates& others,
                Specials& to) {
  const Policy policy = current_policy();
  const Time now = current_time();
  for (size_t i = 0; i < others.count; i++) {
    CHECK_FOR_INTERRUPTS();
    Special special;
    special.who = others.items[i];
    const UserKey key = realm.key(special.who.id());
    if (glance_at_user(realm, key, viewer, {}, policy, now, special.glance) != Answer::done)
      continue;
    if (special.glance.status == Status::offline) continue;
    special.who.last_seen = special.glance.last_seen;
    to.add() = special;
  }
}

void add_companions_and_self(const RealmRef& realm, const Viewer& viewer, Specials& to) {
  Candidates others;
  add_id(viewer.key.id, others);
  add_companions(realm, viewer, others);
  add_others(realm, viewer, others, to);
  if (others.count > 1) keep_each_once(to);
}

}  // namespace

Specials special_to(const RealmRef& realm, const Viewer& viewer) {
  Specials specials;
  add_related(realm, viewer, nullptr, specials);
  add_companions_and_self(realm, viewer, specials);
  return specials;
}

Specials special_to(const RealmRef& realm, const Viewer& viewer, int most, Time not_before) {
  Cutoffs cutoffs;
  for (const Status status : present) {
    Cutoff& cutoff = cutoffs.of(status);
    cutoff.best = {static_cast<Time*>(MemoryContextAllocHuge(
                       CurrentMemoryContext, sizeof(Time) * static_cast<Size>(most))),
                   static_cast<size_t>(most)};
    cutoff.not_before = not_before;
  }
  Specials specials;
  if (find_related_cutoffs(realm, viewer, current_policy(), current_time(), cutoffs) > 0)
    add_related(realm, viewer, &cutoffs, specials);
  add_companions_and_self(realm, viewer, specials);
  return specials;
}

}  // namespace presence
