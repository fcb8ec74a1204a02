// index.cpp: chains, and ids.
#include "index.h"

#include <cstring>

namespace presence {

void Index::attach(Cell* buckets, uint32_t buckets_per_partition) {
  buckets_ = buckets;
  per_partition_ = buckets_per_partition;
}

Cell& Index::bucket(uint64_t hash) const {
  const uint64_t partition = hash % partition_count;
  const uint64_t place = (hash / partition_count) % per_partition_;
  return buckets_[partition * per_partition_ + place];
}

Cell Index::find(const CellPool& pool, const UserKey& key) const {
  Cell cell = bucket(key.hash);
  while (cell != no_cell) {
    const User& user = pool.at<User>(cell);
    if (user.realm == key.realm && id_equals(pool, user, key.id)) return cell;
    cell = user.chain;
  }
  return no_cell;
}

void Index::insert(CellPool& pool, uint64_t hash, Cell user) {
  Cell& head = bucket(hash);
  pool.at<User>(user).chain = head;
  head = user;
}

void Index::remove(CellPool& pool, uint64_t hash, Cell user) {
  Cell* link = &bucket(hash);
  while (*link != user) link = &pool.at<User>(*link).chain;
  *link = pool.at<User>(user).chain;
}

namespace {

Cell rest_of_id(const User& user) {
  Cell rest;
  std::memcpy(&rest, user.id + User::inline_id, sizeof rest);
  return rest;
}

}  // namespace

bool set_id(CellPool& pool, User& user, std::string_view id) {
  user.id_bytes = static_cast<uint8_t>(id.size());
  if (id.size() <= User::short_id) {
    std::memcpy(user.id, id.data(), id.size());
    return true;
  }
  const std::optional<Cell> rest = put_text(pool, id.substr(User::inline_id));
  if (!rest) return false;
  std::memcpy(user.id, id.data(), User::inline_id);
  std::memcpy(user.id + User::inline_id, &*rest, sizeof *rest);
  return true;
}

void free_id(CellPool& pool, User& user) {
  if (user.id_bytes > User::short_id) free_text(pool, rest_of_id(user));
  user.id_bytes = 0;
}

uint32_t get_id(const CellPool& pool, const User& user, char* to) {
  if (user.id_bytes <= User::short_id) {
    std::memcpy(to, user.id, user.id_bytes);
  } else {
    std::memcpy(to, user.id, User::inline_id);
    get_text(pool, rest_of_id(user), to + User::inline_id);
  }
  return user.id_bytes;
}

bool id_equals(const CellPool& pool, const User& user, std::string_view id) {
  if (user.id_bytes != id.size()) return false;
  if (id.size() <= User::short_id) return std::memcmp(user.id, id.data(), id.size()) == 0;
  return std::memcmp(user.id, id.data(), User::inline_id) == 0 &&
         text_equals(pool, rest_of_id(user), id.substr(User::inline_id));
}

}  // namespace presence
