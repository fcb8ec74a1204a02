// lane.cpp: the pipeline of one connection.
#include "lane.h"

#include <stdexcept>

namespace demo {

// A touch is immediate, so that one statement has both readings around it. A logout happens at
// COMMIT: the reading after it is a statement of its own behind the sync, which ends the logout's
// transaction. A select list is evaluated from left to right.
Lane::Lane(const std::string& connection_string, Table& log)
    : connection_(connection_string), log_(log) {
  connection_.prepare(
      "touch",
      "SELECT extract(epoch FROM clock_timestamp()), presence_touch($1, page_url => $2), "
      "extract(epoch FROM clock_timestamp())");
  connection_.prepare("logout",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "(presence_set_status($1, 'offline', explicit_logout => true)).status");
  connection_.prepare("clock", "SELECT extract(epoch FROM clock_timestamp())");
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1)
    connection_.fail();
}

void Lane::send(const Call& call) {
  if (call.action == Action::touch) {
    send_statement("touch", {call.user, call.room}, {&call, Answer::touch});
  } else {
    send_statement("logout", {call.user}, {&call, Answer::logout});
    send_statement("clock", {}, {&call, Answer::logout_committed});
  }
  flush();
}

void Lane::send_statement(const char* name, const Parameters& parameters, Expected expected) {
  if (PQsendQueryPrepared(connection_.get(), name, static_cast<int>(parameters.size()),
                          pointers_to(parameters).data(), nullptr, nullptr, 0) != 1 ||
      PQpipelineSync(connection_.get()) != 1) {
    connection_.fail();
  }
  expected_.push_back(expected);
}

void Lane::flush() {
  const int result = PQflush(connection_.get());
  if (result < 0) connection_.fail();
  unsent_ = result > 0;
}

void Lane::receive() {
  if (PQconsumeInput(connection_.get()) != 1) connection_.fail();
  if (unsent_) flush();
  while (!expected_.empty() && PQisBusy(connection_.get()) == 0) {
    // No result stands for the end of a statement's results.
    if (PGresult* raw = PQgetResult(connection_.get())) take(Result(raw));
  }
}

void Lane::take(const Result& result) {
  if (result.status() == PGRES_PIPELINE_SYNC) return;
  if (result.status() != PGRES_TUPLES_OK) throw std::runtime_error(result.error());

  const Expected expected = expected_.front();
  expected_.pop_front();
  switch (expected.answer) {
    case Answer::touch:
      log_call(*expected.call, result.text(0, 0), result.text(0, 2));
      break;
    case Answer::logout:
      logout_began_ = result.text(0, 0);
      break;
    case Answer::logout_committed:
      log_call(*expected.call, logout_began_, result.text(0, 0));
      break;
  }
}

void Lane::log_call(const Call& call, const std::string& before, const std::string& after) {
  log_.add({before, after, call.action == Action::touch ? "touch" : "logout", call.user});
  ++made_;
}

}  // namespace demo
