// do_nothing.cpp: what any function of an extension costs that is called as presence_touch is.
extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

__attribute__((visibility("default"))) PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(do_nothing);

Datum do_nothing(PG_FUNCTION_ARGS) { PG_RETURN_TEXT_P(cstring_to_text("online")); }
}
