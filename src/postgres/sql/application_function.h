// application_function.h: functions of the application that settings name, and asking them.
//
// One is found anew by each call: it may have been replaced, and whether the caller may execute it
// may have changed. What it does it does in the caller's transaction, as the caller.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Of three texts each.
inline constexpr int application_arguments = 3;

struct ApplicationFunction {
  const char* setting;
  const char* name;  // with its schema
  Oid result;
  const char* result_name;
  const char* meaning;  // of the result, for who has to write one
};

// 42602, 42883, 42809 or 42501 when it cannot be asked. InvalidOid never comes back.
Oid find_application_function(const ApplicationFunction& wanted);
NullableDatum ask_application(Oid function,
                              const std::string_view (&arguments)[application_arguments]);

}  // namespace presence
