// activities.cpp: inserting what people did.
#include "postgres/tables/activities.h"

#include "postgres/tables/arrays.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace presence {

namespace {

Statement insert_many = {
    "INSERT INTO %s.user_activities (user_id, activity_type, page_url, \"timestamp\", session_id) "
    "SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)",
    5,
    {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID}};

struct Columns {
  explicit Columns(int count)
      : users(TEXTOID, count),
        types(TEXTOID, count),
        pages(TEXTOID, count),
        moments(TIMESTAMPTZOID, count),
        sessions(TEXTOID, count) {}

  void add(const Activity& activity) {
    users.add_text(activity.user_id);
    types.add_text(activity.type);
    pages.add_text_or_null(activity.page);
    moments.add(TimestampTzGetDatum(activity.at));
    sessions.add_text_or_null(activity.session_id);
  }

  void insert() const {
    Datum values[] = {users.array(), types.array(), pages.array(), moments.array(),
                      sessions.array()};
    run(insert_many, values, nullptr);
  }

  Column users, types, pages, moments, sessions;
};

}  // namespace

void write_activity(const Activity& activity) {
  TableAccess access;
  access.begin();
  Columns columns(1);
  columns.add(activity);
  columns.insert();
  access.end();
}

void write_activities(const ActivityView* activities, int count) {
  Columns columns(count);
  for (int i = 0; i < count; i++) columns.add(activities[i].activity);
  columns.insert();
}

}  // namespace presence
