// viewer.cpp: looking a viewer up, and asking the application.
#include "postgres/sql/viewer.h"

#include <algorithm>
#include <new>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/sql/application_function.h"
#include "postgres/sql/identity.h"
#include "postgres/tables/access.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_type.h"
}

namespace presence {

ChannelIds stored_channels(const RealmRef& realm, const UserKey& user) {
  char* text = nullptr;
  size_t room = 0;
  size_t bytes = 0;
  // They may become more between two looks.
  do {
    room = bytes;
    text = static_cast<char*>(palloc(room + 1));
    bytes = channels_of_user(realm, user, current_policy(), current_time(), {text, room});
  } while (bytes > room);
  ChannelIds channels{};
  // Two transactions at a time may have joined more than either of them was allowed to.
  const auto count = static_cast<size_t>(std::count(text, text + bytes, '\0'));
  channels.ids = static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (count + 1)));
  for (size_t at = 0; at < bytes; at += channels.ids[channels.count++].size() + 1)
    channels.ids[channels.count] = text + at;
  return channels;
}

namespace {

bool has(const ChannelIds& channels, std::string_view id) {
  return std::find(channels.ids, channels.ids + channels.count, id) !=
         channels.ids + channels.count;
}

}  // namespace

ChannelIds own_channels(const RealmRef& realm, const UserKey& key) {
  const ChannelIds stored = stored_channels(realm, key);
  const std::span<const Wish> wishes = wishes_for(key);
  if (wishes.empty()) return stored;
  ChannelIds own{};
  own.ids = static_cast<std::string_view*>(
      palloc(sizeof(std::string_view) * (stored.count + wishes.size() + 1)));
  const auto add = [&](std::string_view id) {
    if (!has(own, id) && seated(realm, key, realm.channel_key(id), nullptr, wishes))
      own.ids[own.count++] = id;
  };
  for (size_t i = 0; i < stored.count; i++) add(stored.ids[i]);
  for (const Wish& wish : wishes)
    if (wish.change.kind == ChangeKind::join) add(wish.channel.id);
  return own;
}

namespace {

// In order.
std::span<const uint64_t> hashes_of(const RealmRef& realm, const ChannelIds& channels) {
  auto* hashes = static_cast<uint64_t*>(palloc(sizeof(uint64_t) * (channels.count + 1)));
  for (size_t i = 0; i < channels.count; i++) hashes[i] = realm.channel_key(channels.ids[i]).hash;
  std::sort(hashes, hashes + channels.count);
  return {hashes, channels.count};
}

}  // namespace

const Viewer* viewer_of(std::string_view viewer_id) {
  // In which channels it is is known when everybody is there.
  const bool is_standby = RecoveryInProgress();
  const RealmRef realm = is_standby ? extension().realm : whole_realm();
  auto* viewer = new (palloc(sizeof(Viewer))) Viewer{};
  viewer->key = realm.viewer_key(viewer_id);
  if (is_standby) return viewer;
  viewer->channels = hashes_of(realm, own_channels(realm, viewer->key));
  return viewer;
}

const Viewer* viewer_argument(FunctionCallInfo call, int number) {
  const auto viewer_id = viewer_id_argument(call, number);
  return viewer_id ? viewer_of(*viewer_id) : nullptr;
}

const Viewer* counting_viewer_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull && counts_everybody()) return nullptr;
  return viewer_argument(call, number);
}

// ---- the application's own word --------------------------------------------

bool application_decides() {
  return settings.can_see_function != nullptr && *settings.can_see_function != '\0';
}

std::optional<Detail> detail_by_application(const Viewer& viewer, std::string_view user_id,
                                            std::string_view channel_id) {
  // Everybody sees itself.
  if (!application_decides() || viewer.key.id == user_id) return std::nullopt;
  const char* name = pstrdup(settings.can_see_function);
  const Oid function = find_application_function(
      {"presence.can_see_function", name, TEXTOID, "text",
       "It says full, status, last_seen or nothing, or NULL: the rules decide."});
  const NullableDatum answer = ask_application(function, {viewer.key.id, user_id, channel_id});
  if (answer.isnull) return std::nullopt;
  const std::string_view text = text_of(answer.value);
  const std::optional<Detail> detail = detail_named(text);
  if (!detail)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s said \"%.*s\"", name, static_cast<int>(text.size()), text.data()),
                    errdetail("presence.can_see_function names it."),
                    errhint("It says full, status, last_seen or nothing, or NULL: the rules "
                            "decide.")));
  return detail;
}

}  // namespace presence
