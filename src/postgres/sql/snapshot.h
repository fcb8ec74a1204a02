// snapshot.h: what the functions about snapshots and events share.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// It is the channel of those who may know everything, and the caller is one.
bool is_private_channel(std::string_view channel_id);
// Nobody sees a part of it. Raises 22023 when a viewer is named.
void refuse_viewer(FunctionCallInfo call, int number);

}  // namespace presence
