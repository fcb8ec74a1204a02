// viewer.cpp: looking a viewer up, and asking the application.
#include "postgres/sql/viewer.h"

#include <algorithm>
#include <new>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/sql/application_function.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/people.h"
#include "postgres/tables/access.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/channel_ids.h"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"
}

namespace presence {

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
  viewer->channels = hashes_of(realm, stored_channels(realm, viewer->key));
  return viewer;
}

const Viewer* viewer_known_to(std::string_view user_id, std::string_view viewer_id) {
  const Viewer& user = *viewer_of(user_id);
  auto* viewer = new (palloc(sizeof(Viewer))) Viewer(*viewer_of(viewer_id));
  const RealmRef realm = extension().realm;
  const ChannelIds channels = stored_channels(realm, viewer->key);
  ChannelIds known{
      static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (channels.count + 1))), 0};
  for (size_t i = 0; i < channels.count; i++)
    if (see_detail(viewer_id, user, channels.ids[i]) >= Detail::status)
      known.ids[known.count++] = channels.ids[i];
  viewer->channels = hashes_of(realm, known);
  return viewer;
}

const Viewer* viewer_argument(FunctionCallInfo call, int number) {
  const auto viewer_id = viewer_id_argument(call, number);
  return viewer_id ? viewer_of(*viewer_id) : nullptr;
}

const Viewer& hearing_viewer_argument(FunctionCallInfo call, int number,
                                      std::string_view channel_id) {
  const Viewer* viewer = viewer_argument(call, number);
  if (viewer && channel_id != firehose_channel()) return *viewer;
  auto* everybody = new (palloc(sizeof(Viewer))) Viewer{};
  everybody->key = extension().realm.viewer_key({});
  everybody->is_everybody = true;
  return *everybody;
}

const Viewer* counting_viewer_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull && counts_everybody()) return nullptr;
  return viewer_argument(call, number);
}

// ---- the application's own word --------------------------------------------

bool application_decides() {
  return settings.can_see_function != nullptr && *settings.can_see_function != '\0';
}

namespace {

std::optional<Detail> ask_who_sees(const Viewer& viewer, std::string_view user_id,
                                   std::string_view channel_id) {
  const char* name = pstrdup(settings.can_see_function);
  const Oid function = find_application_function(
      {"presence.can_see_function", name, TEXTOID, "text",
       "It says full, status, last_seen or nothing, or NULL: the rules decide."});
  const NullableDatum answer = ask_application(function, {viewer.key.id, user_id, channel_id});
  if (answer.isnull) return std::nullopt;
  const std::string_view text = text_of(answer.value);
  const std::optional<Detail> detail = detail_named(text);
  if (!detail)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("%s said \"%.*s\"", name, static_cast<int>(text.size()), text.data()),
             errdetail("presence.can_see_function names it."),
             errhint("It says full, status, last_seen or nothing, or NULL: the rules decide.")));
  return detail;
}

}  // namespace

// It may be asked about very many, and what a call of it takes is some 30 kB.
std::optional<Detail> detail_by_application(const Viewer& viewer, std::string_view user_id,
                                            std::string_view channel_id) {
  // Everybody sees itself.
  if (!application_decides() || viewer.key.id == user_id) return std::nullopt;
  if (viewer.is_everybody) return Detail::nothing;
  MemoryContext asking = AllocSetContextCreate(
      CurrentMemoryContext, "presence: a question to the application", ALLOCSET_SMALL_SIZES);
  MemoryContext before = MemoryContextSwitchTo(asking);
  const std::optional<Detail> detail = ask_who_sees(viewer, user_id, channel_id);
  MemoryContextSwitchTo(before);
  MemoryContextDelete(asking);
  return detail;
}

}  // namespace presence
