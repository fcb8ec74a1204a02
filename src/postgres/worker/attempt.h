// attempt.h: work of the worker that may fail without ending it.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Runs `work` in a transaction. When it raises an error the transaction is aborted, the error goes
// to the log (of each `what` once a minute at most) and the answer is false. Where a person can do
// something about it, `hint` says what.
bool attempt(const char* what, const char* hint, void (*work)(void*), void* context);

// The SQLSTATE with which the last attempt failed; 0: it did not.
int last_error();

// To cancel (pg_cancel_backend) is about what runs in an attempt. Between two it is about nothing,
// and no reason to end: from here on it counts within attempts only.
void hold_cancels();

}  // namespace presence
