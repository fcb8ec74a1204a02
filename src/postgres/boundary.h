// boundary.h: the one way into PostgreSQL's headers.
//
// ereport is a longjmp: it runs no destructor. So code that includes this file
// holds only trivially destructible objects while it calls PostgreSQL, and the
// whole extension is compiled without exceptions, so that nothing of C++ ever
// unwinds through a frame of PostgreSQL. Standard headers come before this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
}

#include "compat.h"

// A function that SQL can call. Visible, unlike everything else.
#define PRESENCE_FUNCTION(name)             \
  extern "C" {                              \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  PG_FUNCTION_INFO_V1(name);                \
  }                                         \
  extern "C" PGDLLEXPORT Datum name(PG_FUNCTION_ARGS)
