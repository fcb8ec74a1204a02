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

// CHECK_FOR_INTERRUPTS() between attempts. To cancel (pg_cancel_backend) is about what runs: when
// nothing does it is about nothing, and no reason to end.
void check_for_interrupts_between_attempts();

}  // namespace presence
