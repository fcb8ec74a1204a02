// process.h: starting other programs.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace demo {

// PostgreSQL refuses to run as root: root starts it as another user. Everybody else stays who they
// are.
struct Account {
  bool step_down = false;
  uid_t user = 0;
  gid_t group = 0;
  std::string name;
};
Account server_account();

// Runs a program to its end and gives its exit code; 128 and more when it could not start or a
// signal ended it.
int run(const std::vector<std::string>& command);

// The same, as the given account and with its output in a file.
int run_as(const Account& account, const std::vector<std::string>& command,
           const std::string& output);

// A program that goes on beside ours. It ends with this object, and with our process, however that
// ends.
class Daemon {
 public:
  Daemon(const Account& account, const std::vector<std::string>& command,
         const std::string& output);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  bool has_ended();

 private:
  pid_t pid_;
};

}  // namespace demo
