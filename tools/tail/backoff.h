// backoff.h: how long to wait before the next attempt to connect: longer each time, and never as
// long as the others who lost the same server.
#pragma once

#include <chrono>

namespace tail {

class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset();  // it has worked

 private:
  int attempts_ = 0;
};

}  // namespace tail
