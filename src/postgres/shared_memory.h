// shared_memory.h: asking for shared memory at the start, and finding it afterwards.
#pragma once

namespace presence {

// In _PG_init, when preloaded.
void arrange_shared_memory();

}  // namespace presence
