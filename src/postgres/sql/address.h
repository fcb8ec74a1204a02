// address.h: the address of a client, as proxies send it.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// The first address of "203.0.113.7:5123", "[2001:db8::1]:443" or "203.0.113.7, 10.0.0.1"; empty
// when there is none: a bad address never fails a connect.
std::string_view address_argument(FunctionCallInfo call, int number);

}  // namespace presence
