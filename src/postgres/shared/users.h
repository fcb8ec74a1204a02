// users.h: one user at a time, under the lock of its partition.
//
// `gone` means that the extension was dropped meanwhile; nothing was done then. None of
// these can raise an error.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// missing: the user is not in memory, bring() it first. full: make_room() first. foreign: the
// session is another user's.
Answer touch_user(const RealmRef& realm, const UserKey& key, const Touch& touch,
                  const Policy& policy, Time now, Touched& touched);
// Touches all that are in memory, one lock a partition and portion. `missed` gets the places of
// the others, and how many those are is returned.
struct TouchOfMany {
  UserKey key;
  Touch touch;
};
int touch_users(const RealmRef& realm, const TouchOfMany* touches, int count, const Policy& policy,
                Time now, int* missed);
// Takes down what a user did. False: the queue is full.
bool queue_activity(const RealmRef& realm, uint32_t partition, const Activity& activity);

// Makes the user known, from its row or, without one, as never heard of. Who is there stays.
// `removals` is what removals_near said before the row was read. stale: somebody has left memory
// since; it may have been this user, with a newer row or a forgotten one.
Answer bring_user(const RealmRef& realm, const UserKey& key, const Row* row, uint32_t removals,
                  const Policy& policy, Time now);
uint32_t removals_near(const RealmRef& realm, uint32_t partition);

// Claims the user for a transaction. writing: the persister has its row just now, unless
// `though_written`.
enum class Claiming : bool { unless_written, though_written };
struct Claim {
  Cell cell = no_cell;
  RowPlace row_place = {};
};
Answer claim_user(const RealmRef& realm, const UserKey& key, Claiming claiming,
                  const Policy& policy, Time now, Claim& claim);
// The claimed user is about to be forgotten.
void begin_forgetting(const RealmRef& realm, uint32_t partition, Cell cell);
void drop_claim(const RealmRef& realm, uint32_t partition, Cell cell);

// Before the commit record: from now on the row may be seen without memory following yet.
// For one whose transaction has locked the row: only one transaction can at a time.
void begin_commit(const RealmRef& realm, uint32_t partition, Cell cell);
void end_commit(const RealmRef& realm, uint32_t partition, Cell cell);
// Somebody has begun and is not done.
bool is_committing(const RealmRef& realm, uint32_t partition, Cell cell);
// COMMIT: applies the wishes, ends the commit if it was begun, and drops the claim.
void commit_user(const RealmRef& realm, uint32_t partition, Cell cell, std::span<Wish> wishes,
                 RowPlace row_place, bool begun, const Policy& policy, Time now);

Answer view_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                 const Policy& policy, Time now, UserView& out);
Answer view_claimed_user(const RealmRef& realm, uint32_t partition, Cell cell,
                         std::span<const Wish> wishes, const Policy& policy, Time now,
                         UserView& out);
// The same as a viewer sees it; view_user_at: as one sees it to whom `detail` is shown.
Answer view_user_for(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                     std::span<const Wish> wishes, const Policy& policy, Time now, UserView& out);
Answer view_user_at(const RealmRef& realm, const UserKey& key, Detail detail, const Viewer& viewer,
                    std::span<const Wish> wishes, const Policy& policy, Time now, UserView& out);
Answer glance_at_user(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                      std::span<const Wish> wishes, const Policy& policy, Time now, Glance& out);
// How much of the user the viewer sees in a channel, or without one in general.
Answer detail_of_user(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                      const ChannelKey* channel, std::span<const Wish> wishes, const Policy& policy,
                      Detail& out);
Answer status_of_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                      const Policy& policy, Time now, Status& out);
// The choices of a claimed user as its row has them; `to` has room for max_choices_bytes.
std::size_t choices_of_user(uint32_t partition, Cell cell, std::span<const Wish> wishes, Time now,
                            char* to);

// What a wish is made of.
struct WishParts {
  Change change;
  std::optional<std::string_view> message;
  Reason reason = Reason::manual;
  std::string_view reason_text;
  const NewSession* session = nullptr;  // of a change that names one
  std::optional<std::string_view> data, page;
  std::string_view gateway;  // that keeps the session; empty: none
  bool writes_row = true;
  // Of a change that names a channel.
  const ChannelKey* channel = nullptr;
  const Move* move = nullptr;  // that comes with a join
  // Of a change of the rules; none: no rules any more.
  const VisibilityFacts* visibility = nullptr;
  bool shows_or_hides = false;
};
// Takes the cells for a wish. False: full, and none is taken.
bool reserve_wish(const RealmRef& realm, Wish& wish, const WishParts& parts, const Policy& policy);
void free_wish(Wish& wish);

std::size_t free_cells();
// Frees cells of offline users. False: there is nobody to evict.
bool make_room(uint32_t near_partition);
// Until so many cells are free, if that comes soon.
void make_room_for(std::size_t cells);

}  // namespace presence
