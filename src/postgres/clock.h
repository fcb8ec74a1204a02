// clock.h: the one clock of the extension.
//
// A testing build can move it for the whole cluster; a normal one only reads it.
#pragma once

#include "core/types.h"
#include "postgres/boundary.h"

namespace presence {

Time current_time();

}  // namespace presence
