// human_printer.h: a line for people: time, channel, event, user, what has changed.
#pragma once

#include <cstddef>
#include <string>

#include "printer.h"

namespace tail {

class HumanPrinter : public Printer {
 public:
  explicit HumanPrinter(const Options& options);

  void print_event(const std::string& channel, const Event& event) override;
  void print_snapshot(const std::string& channel, const Snapshot& snapshot) override;
  void print_resync(const std::string& channel, const Position& position) override;

 private:
  std::string beginning(const std::string& timestamp, const std::string& channel,
                        const std::string& event) const;
  std::string change_of_status(const Json& event) const;
  std::string status(const std::string& name) const;
  std::string details(const Event& event) const;
  std::string in_color(const char* color, const std::string& text) const;

  bool has_color_;
  std::size_t channel_width_;  // 0: there is one channel, and it is not printed
};

}  // namespace tail
