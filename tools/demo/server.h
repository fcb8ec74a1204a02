// server.h: a PostgreSQL server that lives as long as this object, on a Unix socket in a directory
// of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process.h"

namespace demo {

// A directory of our own, removed with everything in it.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const Account& owner);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TemporaryServer {
 public:
  // `programs` is the directory of initdb and postgres, `settings` are lines of postgresql.conf.
  TemporaryServer(const std::string& programs, const std::vector<std::string>& settings);

  // For libpq: the superuser in database postgres.
  std::string connection_string() const;

  // The end of the server's log, for when something went wrong.
  std::string last_words() const;

 private:
  void make_cluster(const std::string& programs, const std::vector<std::string>& settings);
  void wait_until_ready();

  std::string data() const { return directory_.path() + "/data"; }
  std::string log() const { return directory_.path() + "/log"; }

  Account account_;
  TemporaryDirectory directory_;
  std::optional<Daemon> process_;
};

}  // namespace demo
