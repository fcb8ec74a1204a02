// redis_list.cpp: the newest hundred of a sorted set and what is known of each, as an application
// reads who is online from Redis: ZREVRANGE, and when it has answered a pipeline of HMGETs.
//
//   bench_redis_list SOCKET SECONDS
//
// Prints how many such lists were read in a second.
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t users_of_list = 100;

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "bench_redis_list: %s\n", why);
  std::exit(1);
}

redisReply* reply_of(redisContext* redis) {
  void* reply = nullptr;
  if (redisGetReply(redis, &reply) != REDIS_OK) fail(redis->errstr);
  auto* answer = static_cast<redisReply*>(reply);
  if (answer->type == REDIS_REPLY_ERROR) fail(answer->str);
  return answer;
}

// What is not there is nil, and quicker to answer.
void take_facts(redisContext* redis) {
  redisReply* facts = reply_of(redis);
  if (facts->elements != 3 || facts->element[0]->type != REDIS_REPLY_STRING)
    fail("a user is not known");
  freeReplyObject(facts);
}

void read_list(redisContext* redis) {
  redisAppendCommand(redis, "ZREVRANGE online 0 99 WITHSCORES");
  redisReply* list = reply_of(redis);
  if (list->elements != 2 * users_of_list) fail("the list does not have 100 users");
  for (std::size_t i = 0; i < users_of_list; i++)
    redisAppendCommand(redis, "HMGET user:%b name status page", list->element[2 * i]->str,
                       list->element[2 * i]->len);
  for (std::size_t i = 0; i < users_of_list; i++) take_facts(redis);
  freeReplyObject(list);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_redis_list SOCKET SECONDS\n");
    return 2;
  }
  redisContext* redis = redisConnectUnix(argv[1]);
  if (redis == nullptr || redis->err != 0) {
    std::fprintf(stderr, "bench_redis_list: no Redis at %s\n", argv[1]);
    return 1;
  }
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(std::atoi(argv[2]));
  long lists = 0;
  for (; Clock::now() < end; lists++) read_list(redis);
  std::printf("%.1f\n", static_cast<double>(lists) /
                            std::chrono::duration<double>(Clock::now() - begin).count());
}
