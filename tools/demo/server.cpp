// server.cpp: initdb, start, stop.
#include "server.h"

#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <libpq-fe.h>
#include <unistd.h>

#include "signals.h"

namespace demo {
namespace {

using namespace std::chrono_literals;

// A Unix socket's path has at most 107 bytes.
constexpr std::size_t longest_directory = 80;

std::string place_of_temporary_files() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' && std::string(chosen).size() < longest_directory
             ? chosen
             : "/tmp";
}

std::string last_lines(const std::string& path) {
  constexpr std::size_t most = 20;
  std::ifstream file(path);
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > most) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory(const Account& owner)
    : path_(place_of_temporary_files() + "/presence-demo.XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr)
    throw std::runtime_error("cannot make a directory like " + path_);
  if (owner.step_down && chown(path_.c_str(), owner.user, owner.group) != 0) {
    throw std::runtime_error("cannot hand over " + path_);
  }
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TemporaryServer::TemporaryServer(const std::string& programs,
                                 const std::vector<std::string>& settings)
    : account_(server_account()), directory_(account_) {
  make_cluster(programs, settings);
  stop_if_interrupted();
  process_.emplace(account_, std::vector<std::string>{programs + "/postgres", "-D", data()}, log());
  wait_until_ready();
}

void TemporaryServer::make_cluster(const std::string& programs,
                                   const std::vector<std::string>& settings) {
  const std::string initdb_log = directory_.path() + "/initdb.log";
  if (run_as(account_,
             {programs + "/initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8",
              "--locale=C.UTF-8", "--no-sync"},
             initdb_log) != 0) {
    throw std::runtime_error("initdb failed:\n" + last_lines(initdb_log));
  }
  std::ofstream file(data() + "/postgresql.conf", std::ios::app);
  file << "listen_addresses = ''\n"
       << "unix_socket_directories = '" << directory_.path() << "'\n";
  for (const std::string& setting : settings) file << setting << "\n";
  if (!file.flush()) throw std::runtime_error("cannot write the settings of the server");
}

void TemporaryServer::wait_until_ready() {
  const auto patience = std::chrono::steady_clock::now() + 60s;
  while (PQping(connection_string().c_str()) != PQPING_OK) {
    stop_if_interrupted();
    if (process_->has_ended() || std::chrono::steady_clock::now() > patience) {
      throw std::runtime_error("the temporary server does not start:\n" + last_words());
    }
    std::this_thread::sleep_for(50ms);
  }
}

std::string TemporaryServer::connection_string() const {
  return "host='" + directory_.path() +
         "' port=5432 user=postgres dbname=postgres application_name=presence-demo "
         "client_encoding=UTF8 "
         "options='-c search_path=presence,public'";
}

std::string TemporaryServer::last_words() const { return last_lines(log()); }

}  // namespace demo
