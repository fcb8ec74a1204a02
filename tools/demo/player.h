// player.h: makes the calls of the trace when they are due, over several connections. All calls of
// one user take the same one, so that they stay in order.
#pragma once

#include <string>
#include <vector>

#include <poll.h>

#include "lane.h"
#include "table.h"
#include "trace.h"

namespace demo {

class Player {
 public:
  Player(const std::string& connection_string, int connections, const Trace& trace, Table& log);

  // Sends what is due at this second of the trace, and returns the second that it got to: an
  // earlier one when the server is behind.
  double send_until(double second);
  void receive();
  void add_sockets_to(std::vector<pollfd>& sockets) const;

  std::size_t made() const;
  bool is_done() const { return made() == trace_.calls.size(); }

 private:
  Lane& lane_of(const std::string& user);

  const Trace& trace_;
  std::vector<Lane> lanes_;
  std::size_t sent_ = 0;
};

}  // namespace demo
