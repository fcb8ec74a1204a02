// redis_facts.cpp: keeps in Redis what a touch or a change of status keeps in presence, pipelined
// as an application would.
//
//   bench_redis_facts SOCKET SECONDS touch|status PIPELINE
//
// A touch is the user's key, which expires, and its place among those online; a change is the
// user's hash, that place, a line of history and an event. PIPELINE of them go in one round trip.
// Prints how many were done in a second.
//
// The commands are written in the protocol here: hiredis' own formatting, by printf, took up to a
// fifth of the time, and it is Redis that is measured.
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

constexpr long users = 100'000;  // as the rows of bench/suite have

long random_user() {
  static std::minstd_rand engine;
  return std::uniform_int_distribution<long>(1, users)(engine);
}

long long milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// ---- what is sent ----------------------------------------------------------

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
  ((out += '*') += std::to_string(words.size())) += "\r\n";
  for (const std::string_view word : words)
    ((((out += '$') += std::to_string(word.size())) += "\r\n") += word) += "\r\n";
}

// As redis-benchmark writes its random numbers.
std::string padded(long user) {
  const std::string digits = std::to_string(user);
  return std::string(12 - digits.size(), '0') + digits;
}

// ISO 8601, to the second.
std::string date_of(std::time_t seconds) {
  char date[32];
  return {date, std::strftime(date, sizeof date, "%FT%T", std::gmtime(&seconds))};
}

// Each appends the commands of one fact, and returns how many they are.
using Fact = int (*)(std::string& out);

int append_touch(std::string& out) {
  const std::string user = padded(random_user());
  append_command(out, {"SET", "presence:" + user, "online", "EX", "300"});
  append_command(out, {"ZADD", "online", std::to_string(milliseconds_now()), user});
  return 2;
}

int append_status(std::string& out) {
  static long changes = 0;
  const long number = random_user();
  const std::string user = padded(number);
  const std::string status = ++changes % 2 == 0 ? "busy" : "away";
  const std::string message = "m" + std::to_string(changes);
  const long long milliseconds = milliseconds_now();
  const std::string now = std::to_string(milliseconds);
  const std::string event =
      R"({"event":"user_status_changed","user_id":")" + std::to_string(number) + R"(","status":")" +
      status + R"(","status_message":")" + message + R"(","timestamp":")" +
      date_of(milliseconds / 1000) + '.' + now.substr(now.size() - 3) + R"(Z"})";
  append_command(out,
                 {"HSET", "user:" + user, "status", status, "message", message, "changed_at", now});
  append_command(out, {"ZADD", "online", now, user});
  append_command(out, {"XADD", "history", "MAXLEN", "~", "1000000", "*", "user", user, "status",
                       status, "reason", "manual"});
  append_command(out, {"PUBLISH", "global_presence", event});
  return 4;
}

// ---- pipelines -------------------------------------------------------------

void take_reply(redisContext* redis) {
  void* reply = nullptr;
  const bool came = redisGetReply(redis, &reply) == REDIS_OK;
  const auto* answer = static_cast<redisReply*>(reply);
  if (!came || answer->type == REDIS_REPLY_ERROR) {
    std::fprintf(stderr, "bench_redis_facts: %s\n", came ? answer->str : redis->errstr);
    std::exit(1);
  }
  freeReplyObject(reply);
}

void send_pipeline(redisContext* redis, Fact append, int facts) {
  static std::string out;
  out.clear();
  int commands = 0;
  for (int i = 0; i < facts; i++) commands += append(out);
  redisAppendFormattedCommand(redis, out.data(), out.size());
  while (commands-- > 0) take_reply(redis);
}

Fact fact_named(std::string_view name) {
  if (name == "touch") return append_touch;
  if (name == "status") return append_status;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const Fact append = argc == 5 ? fact_named(argv[3]) : nullptr;
  const int pipeline = argc == 5 ? std::atoi(argv[4]) : 0;
  if (append == nullptr || pipeline < 1) {
    std::fprintf(stderr, "usage: bench_redis_facts SOCKET SECONDS touch|status PIPELINE\n");
    return 2;
  }
  redisContext* redis = redisConnectUnix(argv[1]);
  if (redis == nullptr || redis->err != 0) {
    std::fprintf(stderr, "bench_redis_facts: no Redis at %s\n", argv[1]);
    return 1;
  }
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(std::atoi(argv[2]));
  long facts = 0;
  for (; Clock::now() < end; facts += pipeline) send_pipeline(redis, append, pipeline);
  std::printf("%.1f\n", static_cast<double>(facts) /
                            std::chrono::duration<double>(Clock::now() - begin).count());
}
