// authorize.cpp: asking, and what follows from the answer.
#include "postgres/sql/authorize.h"

#include "postgres/settings.h"
#include "postgres/sql/application_function.h"

extern "C" {
#include "catalog/pg_type.h"
}

namespace presence {

void authorize(std::string_view user_id, std::string_view channel_id, const char* action) {
  if (settings.authorize_function == nullptr || *settings.authorize_function == '\0') return;
  // It may set it to something else.
  const char* name = pstrdup(settings.authorize_function);
  const Oid function = find_application_function(
      {"presence.authorize_function", name, BOOLOID, "boolean",
       "It says whether the user may, or NULL: there is no such channel."});
  const NullableDatum answer = ask_application(function, {user_id, channel_id, action});
  const auto user = static_cast<int>(user_id.size());
  const auto channel = static_cast<int>(channel_id.size());
  if (answer.isnull)
    ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                    errmsg("there is no channel \"%.*s\"", channel, channel_id.data()),
                    errdetail("%s said so.", name),
                    errhint("Make it in the application first, or look at its id.")));
  if (!DatumGetBool(answer.value))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("user \"%.*s\" is not allowed in channel \"%.*s\"", user, user_id.data(),
                           channel, channel_id.data()),
                    errdetail("%s said so about \"%s\".", name, action),
                    errhint("The application decides who may.")));
}

}  // namespace presence
