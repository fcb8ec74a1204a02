// json_printer.h: one JSON object a line, as the server said it.
#pragma once

#include "printer.h"

namespace tail {

class JsonPrinter : public Printer {
 public:
  void print_event(const std::string& channel, const Event& event) override;
  void print_snapshot(const std::string& channel, const Snapshot& snapshot) override;
  void print_resync(const std::string& channel, const Position& position) override;
};

}  // namespace tail
