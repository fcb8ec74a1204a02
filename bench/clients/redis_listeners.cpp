// redis_listeners.cpp: what listeners.cpp does, with subscribers of Redis.
//
//   bench_redis_listeners SOCKET CHANNEL COUNT
//
// Prints "ready" when all have subscribed, and how many messages they have heard when standard
// input ends.
#include <hiredis/hiredis.h>
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "bench_redis_listeners: %s\n", why);
  std::exit(1);
}

redisContext* subscribe(const char* socket, const char* channel) {
  redisContext* redis = redisConnectUnix(socket);
  if (redis == nullptr || redis->err != 0) fail("no Redis there");
  void* reply = redisCommand(redis, "SUBSCRIBE %s", channel);
  if (reply == nullptr) fail(redis->errstr);
  freeReplyObject(reply);
  return redis;
}

// What has come, after one read of the socket.
long hear(redisContext* redis) {
  if (redisBufferRead(redis) != REDIS_OK) fail(redis->errstr);
  long heard = 0;
  for (void* message = nullptr;; heard++) {
    if (redisGetReplyFromReader(redis, &message) != REDIS_OK) fail(redis->errstr);
    if (message == nullptr) return heard;
    freeReplyObject(message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_redis_listeners SOCKET CHANNEL COUNT\n");
    return 2;
  }
  std::vector<redisContext*> subscribers;
  std::vector<pollfd> waits{{0, POLLIN, 0}};
  for (int i = 0; i < std::atoi(argv[3]); i++) {
    subscribers.push_back(subscribe(argv[1], argv[2]));
    waits.push_back({subscribers.back()->fd, POLLIN, 0});
  }
  std::puts("ready");
  std::fflush(stdout);
  long heard = 0;
  while (poll(waits.data(), waits.size(), -1) >= 0 && waits[0].revents == 0)
    for (std::size_t i = 0; i < subscribers.size(); i++)
      if (waits[i + 1].revents != 0) heard += hear(subscribers[i]);
  std::printf("%ld\n", heard);
}
