// crowd.h: many users online in a region on the heap, and what calls of SQL functions do to them in
// the core, without locks and without PostgreSQL. Times (roster_bench.cpp) and counts of
// instructions (instructions/core_paths.cpp) are of the same operations, these.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/roster.h"

namespace presence {

// All are online with one session, listeners were told of them, and their rows are written.
class Crowd {
 public:
  explicit Crowd(std::size_t users);

  // ---- of one user, each time the next one
  Touched touch();
  Status status();
  const UserView& view();
  // A manual status with a message: claimed, looked at with the change, committed.
  void set_status();
  // A first session in a room, where about a hundred come together.
  void join();

  // ---- of all
  std::size_t newest_hundred();
  Counts count();
  bool settle();  // nothing is due

  // So many may have changed before restore() must be called: then nobody changes twice.
  std::size_t most_changes() const;
  // Takes back what set_status() and join() have done, and does the worker's work.
  void restore();

 private:
  const std::string& next_id();
  UserKey key_of(const std::string& id) const { return region_.key(0, id); }
  ChannelKey next_room();
  Wish wish_for(ChangeKind kind);
  void commit(Cell user, Wish wish);
  void work();

  std::unique_ptr<RawCell[]> memory_;
  Region region_;
  Roster roster_{region_};
  Time now_;
  std::vector<std::string> ids_;  // in an order that no cache foresees
  std::size_t next_ = 0;
  std::vector<Cell> chosen_;
  std::vector<std::pair<Cell, ChannelKey>> joined_;
  std::vector<std::string> rooms_;
  std::unique_ptr<UserView> seen_ = std::make_unique<UserView>();
  std::vector<Time> best_;
  std::vector<Candidate> candidates_;
};

}  // namespace presence
