// child.h: a process of its own for a part of a measurement, which so never waits for another part.
#pragma once

#include <functional>

#include <sys/types.h>

namespace latency {

// Runs a function in a forked process and ends with this object, or with our process. Libpq's
// connections cannot be shared: fork before the first one is made.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool has_ended();
  void wait();  // until the function has returned

 private:
  pid_t pid_;
};

}  // namespace latency
