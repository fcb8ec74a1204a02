// lane.cpp: the pipeline of one connection.
#include "lane.h"

#include <stdexcept>
#include <utility>

#include "pointing.h"

namespace demo {
namespace {

Parameters parameters_of(const Call& call) {
  switch (call.action) {
    case Action::typing:
    case Action::stop_typing:
      return {call.user, call.room};
    case Action::disconnect:
      return {call.session()};
    case Action::logout:
      return {call.user};
    case Action::point:
      return {call.user, call.session(), call.room, place_of(call)};
    default:
      return {call.user, call.session(), call.room};
  }
}

bool is_immediate(Action action) {
  return action == Action::touch || action == Action::typing || action == Action::stop_typing;
}

}  // namespace

// A touch is immediate, and so is typing: one statement has both readings around it. The others
// happen at COMMIT: the reading after one is a statement of its own behind the sync, which ends the
// call's transaction. A select list is evaluated from left to right.
Lane::Lane(const std::string& connection_string, Table& log)
    : connection_(connection_string), log_(log) {
  connection_.prepare("touch",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "presence_touch($1, session_id => $2, page_url => $3), "
                      "extract(epoch FROM clock_timestamp())");
  connection_.prepare("typing",
                      "SELECT extract(epoch FROM clock_timestamp()), presence_typing($1, $2), "
                      "extract(epoch FROM clock_timestamp())");
  connection_.prepare("stop_typing",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "presence_typing($1, $2, typing => false), "
                      "extract(epoch FROM clock_timestamp())");
  connection_.prepare("connect",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "(presence_connect($1, session_id => $2, page_url => $3)).status");
  connection_.prepare("join",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "(presence_join($1, $3, session_id => $2)).channel_id");
  connection_.prepare("point",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "(presence_join_document($1, $3, cursor_position => $4::jsonb, "
                      "session_id => $2)).channel_id");
  connection_.prepare("leave",
                      "SELECT extract(epoch FROM clock_timestamp()), "
                      "presence_leave($1, $3, session_id => $2)");
  connection_.prepare("disconnect",
                      "SELECT extract(epoch FROM clock_timestamp()), presence_disconnect($1)");
  connection_.prepare("logout",
                      "SELECT extract(epoch FROM clock_timestamp()), presence_logout($1)");
  connection_.prepare("clock", "SELECT extract(epoch FROM clock_timestamp())");
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1)
    connection_.fail();
}

void Lane::send(const Call& call) {
  const std::string_view name = name_of(call.action);
  if (is_immediate(call.action)) {
    send_statement(name, parameters_of(call), {&call, Answer::whole});
  } else {
    send_statement(name, parameters_of(call), {&call, Answer::began});
    send_statement("clock", {}, {&call, Answer::committed});
  }
  flush();
}

void Lane::send_statement(std::string_view name, const Parameters& parameters, Expected expected) {
  if (PQsendQueryPrepared(connection_.get(), std::string(name).c_str(),
                          static_cast<int>(parameters.size()), pointers_to(parameters).data(),
                          nullptr, nullptr, 0) != 1 ||
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

void Lane::take(Result result) {
  if (result.status() == PGRES_PIPELINE_SYNC) return;
  if (result.status() != PGRES_TUPLES_OK) throw std::runtime_error(result.error());

  const Expected expected = expected_.front();
  expected_.pop_front();
  switch (expected.answer) {
    case Answer::whole:
      log_call(*expected.call, result, result.text(0, 2));
      break;
    case Answer::began:
      began_ = std::move(result);
      break;
    case Answer::committed:
      log_call(*expected.call, *began_, result.text(0, 0));
      break;
  }
}

void Lane::log_call(const Call& call, const Result& began, const std::string& after) {
  log_.add({began.text(0, 0), after, name_of(call.action), call.user, call.room, began.text(0, 1)});
  ++made_;
}

}  // namespace demo
