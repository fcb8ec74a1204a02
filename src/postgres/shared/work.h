// work.h: what the worker of a realm takes from shared memory.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// ---- time
// Applies all that is due and returns the next moment at which something is.
Time settle_realm(const RealmRef& realm, const Policy& policy, Time now);
// Due moments are worked out anew: for the worker, when the policy has changed.
void reschedule_realm(const RealmRef& realm, const Policy& policy, Time now);
// The same for anybody else, whose policy may be older than the worker's, which does it again.
void reschedule_until_worker_does(const RealmRef& realm, const Policy& policy, Time now);
// The worker has done that for this very policy.
bool is_scheduled(const RealmRef& realm, const Policy& policy);
Time next_due_of_realm(const RealmRef& realm, const Policy& policy);

// ---- announcements
// Goes on from `partition`, which it moves; false: there are no more.
bool take_announcement(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                       UserNews& out);
bool has_announcements(const RealmRef& realm);  // of any kind

// ---- snapshots
// Between the two somebody reads what is to fit the events: whatever has not been told by then is
// told, even if it is over before the worker comes to it.
void begin_snapshot(const RealmRef& realm);
void end_snapshot(const RealmRef& realm);
bool snapshot_under_way(const RealmRef& realm);
// The worker makes no events until end_quiet(), but it does not wait for long. False: this process
// has asked already.
bool ask_for_quiet(const RealmRef& realm);
void end_quiet();

// The same of members of channels, and of whole channels.
bool take_member_news(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                      MemberNews& out);
bool take_channel_news(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                       ChannelNews& out);

// ---- rows
bool begin_writing(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                   UserView& out);
void end_writing(const RealmRef& realm, const UserKey& key, Cell cell);
void give_up_writing(const RealmRef& realm, const UserKey& key, Cell cell);
void flush_realm(const RealmRef& realm);
void try_user_rows_again(const RealmRef& realm);  // those that were held
void recover_writing(const RealmRef& realm);
bool has_rows(const RealmRef& realm, Persist state);

// ---- the rows of members
bool begin_deleting_member(const RealmRef& realm, uint32_t& partition, MemberView& out);
bool begin_writing_member(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                          Time now, MemberView& out);
// One of those taken is held.
void leave_member_row(const RealmRef& realm, const MemberView& taken);
void end_member_rows(const RealmRef& realm, bool committed);
void try_member_rows_again(const RealmRef& realm);
bool has_members(const RealmRef& realm, RowState state);

// ---- the rows of sessions, and activities
bool begin_deleting_session(const RealmRef& realm, uint32_t& partition, SessionView& out);
bool begin_writing_session(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                           Time now, SessionView& out);
// One of those taken is held.
void leave_session_row(const RealmRef& realm, const SessionView& taken);
void end_session_rows(const RealmRef& realm, bool committed);
void try_session_rows_again(const RealmRef& realm);
bool has_sessions(const RealmRef& realm, RowState state);
bool begin_writing_activity(const RealmRef& realm, uint32_t& partition, ActivityView& out);
void end_activities(const RealmRef& realm, bool committed);
uint32_t queued_activities(const RealmRef& realm);

}  // namespace presence
