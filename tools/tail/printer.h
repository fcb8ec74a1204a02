// printer.h: where events go: to people or to programs.
#pragma once

#include <memory>
#include <string>

#include "event.h"
#include "options.h"

namespace tail {

class Printer {
 public:
  virtual ~Printer() = default;
  virtual void print_event(const std::string& channel, const Event& event) = 0;
  virtual void print_snapshot(const std::string& channel, const Snapshot& snapshot) = 0;
  // What was missed is not known any more; it goes on after this position.
  virtual void print_resync(const std::string& channel, const Position& position) = 0;
};

std::unique_ptr<Printer> make_printer(const Options& options);

// A remark about the connection. It goes to stderr: it is no part of what was said.
void print_remark(const std::string& text);

}  // namespace tail
