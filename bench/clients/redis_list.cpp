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

redisReply* reply_of(redisContext* redis) {
  void* reply = nullptr;
  if (redisGetReply(redis, &reply) != REDIS_OK) {
    std::fprintf(stderr, "bench_redis_list: %s\n", redis->errstr);
    std::exit(1);
  }
  return static_cast<redisReply*>(reply);
}

void read_list(redisContext* redis) {
  redisAppendCommand(redis, "ZREVRANGE online 0 99 WITHSCORES");
  redisReply* list = reply_of(redis);
  const std::size_t count = list->elements / 2;
  for (std::size_t i = 0; i < count; i++)
    redisAppendCommand(redis, "HMGET user:%b name status page", list->element[2 * i]->str,
                       list->element[2 * i]->len);
  for (std::size_t i = 0; i < count; i++) freeReplyObject(reply_of(redis));
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
