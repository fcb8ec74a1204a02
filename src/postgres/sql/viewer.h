// viewer.h: on whose behalf something is read.
//
// What a viewer sees is decided by the rules (core/visibility.h), unless presence.can_see_function
// names a function of the application that says something else.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// The viewer that the caller names, or is; nullptr: the trusted application, which sees all. 42501
// for anybody else than itself, when that is all the caller may.
const Viewer* viewer_argument(FunctionCallInfo call, int number);
// The same of who may count everybody: nullptr for it unless it names another.
const Viewer* counting_viewer_argument(FunctionCallInfo call, int number);
// For what is told on a channel: without a name the trusted application reads what everybody may
// know, and so does anybody on the firehose.
const Viewer& hearing_viewer_argument(FunctionCallInfo call, int number,
                                      std::string_view channel_id);
// The same of one whom the caller may choose.
const Viewer* viewer_of(std::string_view viewer_id);
// The same, but in channels only as far as the user sees it there. On the primary.
const Viewer* viewer_known_to(std::string_view user_id, std::string_view viewer_id);

// Whether there is a function of the application that is to be asked.
bool application_decides();
// What it says; nothing: it leaves that to the rules. Raises what it raises.
std::optional<Detail> detail_by_application(const Viewer& viewer, std::string_view user_id,
                                            std::string_view channel_id);

}  // namespace presence
