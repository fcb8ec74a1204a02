// process.cpp: fork, exec, wait.
#include "process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace demo {
namespace {

constexpr int cannot_start = 255;
// What PostgreSQL calls an immediate shutdown; other programs just end.
constexpr int end_signal = SIGQUIT;

void become(const Account& account) {
  if (!account.step_down) return;
  if (initgroups(account.name.c_str(), account.group) != 0 || setgid(account.group) != 0 ||
      setuid(account.user) != 0 || chdir("/") != 0) {
    _exit(cannot_start);
  }
}

void write_output_to(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = open("/dev/null", O_RDONLY);
  if (file < 0 || nothing < 0) _exit(cannot_start);
  dup2(nothing, STDIN_FILENO);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
}

// A session of its own, out of reach of the terminal's Ctrl-C. After a change of user, which would
// undo the prctl.
void end_with_parent() {
  setsid();
  prctl(PR_SET_PDEATHSIG, end_signal);
}

template <typename Preparation>
pid_t start(const std::vector<std::string>& command, Preparation prepare) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot start " + command.front());
  if (pid == 0) {
    prepare();
    execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(cannot_start);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return cannot_start;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Account server_account() {
  if (geteuid() != 0) return {};
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* entry = getpwnam(name)) return {true, entry->pw_uid, entry->pw_gid, name};
  }
  throw std::runtime_error(
      "PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

int run(const std::vector<std::string>& command) {
  return wait_for(start(command, [] {}));
}

int run_as(const Account& account, const std::vector<std::string>& command,
           const std::string& output) {
  return wait_for(start(command, [&] {
    become(account);
    write_output_to(output);
  }));
}

Daemon::Daemon(const Account& account, const std::vector<std::string>& command,
               const std::string& output)
    : pid_(start(command, [&] {
        become(account);
        write_output_to(output);
        end_with_parent();
      })) {}

Daemon::~Daemon() {
  if (pid_ == 0) return;
  kill(pid_, end_signal);
  wait_for(pid_);
}

bool Daemon::has_ended() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

}  // namespace demo
