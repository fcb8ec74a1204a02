// player.cpp: the clock of the trace.
#include "player.h"

#include <functional>

namespace demo {
namespace {

// With so many unanswered calls a connection gets no more: the server is behind.
constexpr std::size_t most_waiting = 1000;

}  // namespace

Player::Player(const std::string& connection_string, int connections, const Trace& trace,
               Table& log)
    : trace_(trace) {
  lanes_.reserve(static_cast<std::size_t>(connections));
  for (int i = 0; i < connections; ++i) lanes_.emplace_back(connection_string, log);
}

double Player::send_until(double second) {
  for (; sent_ < trace_.calls.size() && trace_.calls[sent_].second <= second; ++sent_) {
    const Call& call = trace_.calls[sent_];
    Lane& lane = lane_of(call.user);
    if (lane.waiting() >= most_waiting) return call.second;
    lane.send(call);
  }
  return second;
}

void Player::receive() {
  for (Lane& lane : lanes_) lane.receive();
}

void Player::add_sockets_to(std::vector<pollfd>& sockets) const {
  for (const Lane& lane : lanes_) {
    const short wanted = lane.wants_to_write() ? POLLIN | POLLOUT : POLLIN;
    sockets.push_back({lane.socket(), wanted, 0});
  }
}

std::size_t Player::made() const {
  std::size_t sum = 0;
  for (const Lane& lane : lanes_) sum += lane.made();
  return sum;
}

Lane& Player::lane_of(const std::string& user) {
  return lanes_[std::hash<std::string>()(user) % lanes_.size()];
}

}  // namespace demo
