// redis_facts.cpp: keeps in Redis what a touch or a change of status keeps in presence, pipelined
// as an application would.
//
//   bench_redis_facts SOCKET SECONDS touch|status PIPELINE
//
// A touch is the user's key, which expires, and its place among those online; a change is the
// user's hash, that place, and an event. PIPELINE of them go in one round trip. Prints how many
// were done in a second.
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
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

// Each sends the commands of one fact, and returns how many they are.
using Fact = int (*)(redisContext* redis);

int send_touch(redisContext* redis) {
  const long user = random_user();
  redisAppendCommand(redis, "SET presence:%012ld online EX 300", user);
  redisAppendCommand(redis, "ZADD online %lld %012ld", milliseconds_now(), user);
  return 2;
}

int send_status(redisContext* redis) {
  static long changes = 0;
  const long user = random_user();
  const char* status = ++changes % 2 == 0 ? "busy" : "away";
  const long long now = milliseconds_now();
  const std::time_t seconds = now / 1000;
  char timestamp[32];
  std::strftime(timestamp, sizeof timestamp, "%FT%T", std::gmtime(&seconds));
  char event[256];
  const int bytes = std::snprintf(
      event, sizeof event,
      R"({"event":"user_status_changed","user_id":"%ld","status":"%s","status_message":"m%ld","timestamp":"%s.%03lldZ"})",
      user, status, changes, timestamp, now % 1000);
  redisAppendCommand(redis, "HSET user:%012ld status %s message m%ld changed_at %lld", user, status,
                     changes, now);
  redisAppendCommand(redis, "ZADD online %lld %012ld", now, user);
  redisAppendCommand(redis, "PUBLISH global_presence %b", event, static_cast<std::size_t>(bytes));
  return 3;
}

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

void send_pipeline(redisContext* redis, Fact send, int facts) {
  int commands = 0;
  for (int i = 0; i < facts; i++) commands += send(redis);
  while (commands-- > 0) take_reply(redis);
}

Fact fact_named(std::string_view name) {
  if (name == "touch") return send_touch;
  if (name == "status") return send_status;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const Fact send = argc == 5 ? fact_named(argv[3]) : nullptr;
  const int pipeline = argc == 5 ? std::atoi(argv[4]) : 0;
  if (send == nullptr || pipeline < 1) {
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
  for (; Clock::now() < end; facts += pipeline) send_pipeline(redis, send, pipeline);
  std::printf("%.1f\n", static_cast<double>(facts) /
                            std::chrono::duration<double>(Clock::now() - begin).count());
}
