// index.h: finds a user by its key.
//
// Buckets of chains through the users themselves. Each partition has a stretch of
// the buckets of its own, so that its lock is enough.
#pragma once

#include <span>

#include "hash.h"
#include "user.h"

namespace presence {

// Who is meant: the database's realm and the id, and their hash.
struct UserKey {
  uint16_t realm;
  uint64_t hash;
  std::string_view id;

  uint32_t partition() const { return static_cast<uint32_t>(hash) % partition_count; }
};

class Index {
 public:
  void attach(Cell* buckets, uint32_t buckets_per_partition);

  Cell find(const CellPool& pool, const UserKey& key) const;
  void insert(CellPool& pool, uint64_t hash, Cell user);
  void remove(CellPool& pool, uint64_t hash, Cell user);

 private:
  Cell& bucket(uint64_t hash) const;

  Cell* buckets_ = nullptr;
  uint32_t per_partition_ = 0;
};

// The id of a user: its first part is in its cell, a long one goes on in a text.
bool set_id(CellPool& pool, User& user, std::string_view id);  // false: no cell for the rest
void free_id(CellPool& pool, User& user);
uint32_t get_id(const CellPool& pool, const User& user, char* to);
bool id_equals(const CellPool& pool, const User& user, std::string_view id);

}  // namespace presence
