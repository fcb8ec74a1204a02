// attempt.h: work of the worker that may fail without ending it.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Runs `work` in a transaction. When it raises an error the transaction is aborted, the error goes
// to the log (of each `what` once a minute at most) and the answer is false. Where a person can do
// something about it, `hint` says what.
bool attempt(const char* what, const char* hint, void (*work)(void*), void* context);

}  // namespace presence
