// feed.h: plays the trace into a server that is there already, for a page that shows it.
#pragma once

#include "options.h"

namespace demo {

// Until it is interrupted when it loops, else to the end of the trace. Nothing is compared: others
// are on that server, too.
void feed(const Options& options);

}  // namespace demo
