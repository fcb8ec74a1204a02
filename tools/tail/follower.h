// follower.h: follows channels by the rule of docs/delivery.md: hear first, then know a position,
// then apply what is above it; what a gap or a lost connection has swallowed is asked for, and what
// is not known any more begins anew.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backoff.h"
#include "options.h"
#include "presence.h"
#include "printer.h"

namespace tail {

class Follower {
 public:
  Follower(const Options& options, Printer& printer);

  // Until a signal or an error that would come again. ConnectionLost is thrown only if there never
  // was a connection.
  [[noreturn]] void run();

 private:
  struct Channel {
    std::string name;
    std::optional<Position> position;  // all up to there is printed
  };

  void connect();
  void reconnect(const std::string& reason);
  void begin_to_hear();
  [[noreturn]] void hear();
  void take(const Notification& notification);
  bool is_from_worker(const Notification& notification);
  void catch_up(Channel& channel);
  void begin_anew(Channel& channel);
  void tell(Channel& channel, const Event& event);

  const Options& options_;
  Printer& printer_;
  std::vector<Channel> channels_;
  std::optional<Presence> presence_;
  std::map<std::string, Channel*> listened_;  // by the name of its notifications
  std::optional<int> worker_;
  Backoff backoff_;
};

}  // namespace tail
