// region_check.cpp: one walk over everything.
#include "region_check.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace presence::test {

namespace {

class Checker {
 public:
  explicit Checker(const Region& region) : region_(region), seen_(region.pool.count() + 1) {}

  std::string check(uint32_t held) {
    for (uint32_t realm = 0; realm < region_.realm_count(); realm++)
      for (uint32_t partition = 0; partition < partition_count && problem_.empty(); partition++)
        check_share(static_cast<uint16_t>(realm), partition);
    if (problem_.empty() && reached_ + held != region_.pool.used())
      fail("cells: " + std::to_string(reached_) + " reached and " + std::to_string(held) +
           " held, but " + std::to_string(region_.pool.used()) + " used");
    return problem_;
  }

 private:
  void fail(const std::string& what) {
    if (!problem_.empty()) return;
    problem_ = "realm " + std::to_string(realm_) + ", partition " + std::to_string(partition_) +
               ": " + what;
  }

  User& user(Cell cell) const { return region_.pool.at<User>(cell); }

  // False, and a problem, when the cell is no cell or was reached before.
  bool reach(Cell cell, const std::string& as) {
    if (cell == no_cell || cell > region_.pool.count())
      fail(as + " is no cell: " + std::to_string(cell));
    else if (seen_[cell])
      fail(as + " is reached twice: cell " + std::to_string(cell));
    else
      seen_[cell] = true;
    if (problem_.empty()) reached_++;
    return problem_.empty();
  }

  void reach_text(Cell text, const std::string& as) {
    if (text == no_cell) return;
    uint32_t left = text > region_.pool.count() ? 1 : text_bytes(region_.pool, text);
    for (; left > 0; text = region_.pool.at<TextCell>(text).next) {
      if (!reach(text, as)) return;
      left -= std::min(left, static_cast<uint32_t>(TextCell::capacity));
    }
    if (text != no_cell) fail(as + " goes on after its end");
  }

  void check_share(uint16_t realm, uint32_t partition) {
    realm_ = realm;
    partition_ = partition;
    const RealmPartition& share = region_.share(realm, partition);
    users_.clear();
    for (uint8_t number = 0; number < list_count && problem_.empty(); number++)
      check_list(share.lists[number], number);
    if (problem_.empty()) check_heap(share.heap);
    for (uint8_t state = 1; state < persist_lists && problem_.empty(); state++)
      check_persist(share.persist[state], static_cast<Persist>(state));
    if (problem_.empty() && share.persist[0] != no_cell) fail("`current` has a list");
    if (problem_.empty()) check_announcements(share.to_announce);
  }

  // ---- lists

  void check_list(const List& list, uint8_t number) {
    const std::string name = "list " + std::to_string(number);
    uint32_t count = 0;
    Cell newer = no_cell;
    for (Cell cell = list.newest; cell != no_cell; cell = user(cell).older) {
      if (!reach(cell, name)) return;
      const User& of = user(cell);
      if (of.list != number) return fail(name + " has a user of another");
      if (of.newer != newer) return fail(name + " is not linked both ways");
      if (number != offline_list && newer != no_cell && user(newer).last_seen < of.last_seen)
        return fail(name + " is out of order");
      check_user(cell);
      if (!problem_.empty()) return;
      users_.push_back(cell);
      newer = cell;
      count++;
    }
    if (list.oldest != newer) fail(name + " does not end with its oldest");
    if (list.count != count)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(list.count));
  }

  void check_user(Cell cell) {
    const User& of = user(cell);
    char id[max_id_bytes];
    const UserKey key = region_.key(realm_, {id, get_id(region_.pool, of, id)});
    const std::string name = "user " + std::string(key.id);
    if (of.realm != realm_ || of.partition != partition_ || key.partition() != partition_)
      return fail(name + " is in a partition that is not its own");
    if (region_.index.find(region_.pool, key) != cell)
      return fail(name + " is not found by its key");
    if (status_of_list(of.list) != of.status)
      return fail(name + " is in the list of another status");
    const bool is_offline = of.list == offline_list;
    if ((of.sessions == no_cell) != is_offline)
      return fail(name + " has sessions, or none, by mistake");
    if (of.in_heap != (!is_offline && !is_regular(of.list) && of.due != never))
      return fail(name + " is in the heap, or not, by mistake");

    if (of.id_bytes > short_id) {
      Cell rest;
      std::memcpy(&rest, of.id + inline_id, sizeof rest);
      reach_text(rest, name + "'s id");
    }
    reach_text(of.page, name + "'s page");
    for (Cell at = of.sessions; at != no_cell; at = region_.pool.at<Session>(at).next)
      if (!reach(at, name + "'s session")) return;
    check_extras(of, name);
  }

  void check_extras(const User& of, const std::string& name) {
    const bool in_chosen_list = of.list != offline_list && (of.list - 1) / 2 % 2 == 1;
    if (of.extras == no_cell) {
      if (in_chosen_list) fail(name + " is in a list of the chosen without a choice");
      return;
    }
    if (!reach(of.extras, name + "'s extras")) return;
    const Extras& extras = region_.pool.at<Extras>(of.extras);
    const Choices& choices = extras.choices;
    if (choices.empty() && extras.reason_text == no_cell) return fail(name + " has empty extras");
    if (choices.depth > Choices::max_earlier) return fail(name + " has too many choices");
    const bool has_choice = choices.top.status != Status::offline;
    if (of.list != offline_list && in_chosen_list != has_choice)
      return fail(name + " is in a list of the chosen, or not, by mistake");
    reach_text(extras.reason_text, name + "'s reason");
    reach_text(choices.top.message, name + "'s message");
    for (uint8_t i = 0; i < choices.depth; i++)
      reach_text(choices.earlier[i].message, name + "'s earlier message");
  }

  // ---- the heap

  void check_heap(Cell root) {
    std::size_t count = 0;
    if (root != no_cell) {
      if (user(root).heap_prev != no_cell || user(root).heap_next != no_cell)
        return fail("the root of the heap has siblings");
      count = check_heap_below(root, 0);
    }
    std::size_t flagged = 0;
    for (const Cell cell : users_) flagged += user(cell).in_heap;
    if (count != flagged)
      fail("the heap has " + std::to_string(count) + " users, not " + std::to_string(flagged));
  }

  std::size_t check_heap_below(Cell parent, std::size_t depth) {
    std::size_t count = 1;
    if (!user(parent).in_heap) fail("the heap has a user that does not know of it");
    if (depth > users_.size()) fail("the heap goes round in a circle");
    Cell before = parent;
    for (Cell child = user(parent).heap_child; child != no_cell && problem_.empty();
         child = user(child).heap_next) {
      if (user(child).heap_prev != before) fail("the heap is not linked both ways");
      if (user(child).due < user(parent).due)
        fail("the heap has an earlier user below a later one");
      if (problem_.empty()) count += check_heap_below(child, depth + 1);
      if (count > users_.size()) fail("the heap goes round in a circle");
      before = child;
    }
    return count;
  }

  // ---- the lists of the worker

  void check_persist(Cell head, Persist state) {
    const std::string name = "persist list " + std::to_string(static_cast<int>(state));
    std::size_t count = 0;
    Cell before = no_cell;
    for (Cell cell = head; cell != no_cell; cell = user(cell).persist_next) {
      if (++count > users_.size()) return fail(name + " goes round in a circle");
      if (user(cell).persist != state) return fail(name + " has a user of another state");
      if (user(cell).persist_prev != before) return fail(name + " is not linked both ways");
      before = cell;
    }
    std::size_t marked = 0;
    for (const Cell cell : users_) marked += user(cell).persist == state;
    if (count != marked)
      fail(name + " has " + std::to_string(count) + ", not " + std::to_string(marked));
  }

  void check_announcements(Cell head) {
    std::size_t count = 0;
    for (Cell cell = head; cell != no_cell; cell = user(cell).announce_next) {
      if (++count > users_.size()) return fail("the list of the changed goes round in a circle");
      if (!user(cell).to_announce)
        return fail("the list of the changed has one that did not change");
    }
    std::size_t flagged = 0;
    for (const Cell cell : users_) flagged += user(cell).to_announce;
    if (count != flagged)
      fail("the list of the changed has " + std::to_string(count) + ", not " +
           std::to_string(flagged));
  }

  const Region& region_;
  std::vector<bool> seen_;
  std::vector<Cell> users_;  // of the share at hand
  std::string problem_;
  uint32_t reached_ = 0;
  uint16_t realm_ = 0;
  uint32_t partition_ = 0;
};

}  // namespace

std::string find_problem(const Region& region, uint32_t held) {
  return Checker(region).check(held);
}

}  // namespace presence::test
