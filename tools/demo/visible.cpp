// visible.cpp: calls moved forward, and calls added.
#include "visible.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace demo {
namespace {

bool leads_to_a_message(Action action) {
  return action == Action::join || action == Action::typing;
}

}  // namespace

Trace make_visible(Trace trace, double typing_seconds) {
  std::vector<Call> calls;
  calls.reserve(trace.calls.size() * 5 / 4);
  std::unordered_map<std::string, double> last_call;  // of each session
  for (Call& call : trace.calls) {
    double& last = last_call[call.session()];
    // A join right after its connect stays where it is: that is the last call.
    if (leads_to_a_message(call.action)) call.second = std::max(call.second - typing_seconds, last);
    last = call.second;
    const bool speaks = call.action == Action::touch;
    calls.push_back(std::move(call));
    if (speaks) calls.push_back({last, Action::point, calls.back().user, calls.back().room});
  }
  std::ranges::stable_sort(calls, {}, &Call::second);
  trace.calls = std::move(calls);
  return trace;
}

}  // namespace demo
