// load.h: other users' status changes, at a rate, while something is measured.
//
// One connection is not enough: a COMMIT that waits for the disk takes a millisecond or so, which
// is then all the rate it can have. Several wait together, and PostgreSQL writes what they have
// to disk at once. Each is a process of its own, with its own users: rows are not waited for.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "child.h"

namespace latency {

struct Progress;  // of all processes, in memory that they share

class Load {
 public:
  // Changes a second, of all connections together. Statements are run first on each.
  Load(const std::string& conninfo, const std::vector<std::string>& statements, int rate,
       int connections);
  ~Load();

  void wait_until_running();
  long changes();  // until now; throws when a process has ended by itself
  void finish();   // what has begun is done when this returns

 private:
  void check();

  std::unique_ptr<Progress, void (*)(Progress*)> progress_;
  std::list<Child> processes_;
};

}  // namespace latency
