// json_printer.cpp: the server's own text, so that no number changes on the way.
#include "json_printer.h"

#include "output.h"

namespace tail {

void JsonPrinter::print_event(const std::string&, const Event& event) { print_line(event.text); }

void JsonPrinter::print_snapshot(const std::string&, const Snapshot& snapshot) {
  print_line("{\"snapshot\": " + snapshot.text + "}");
}

void JsonPrinter::print_resync(const std::string& channel, const Position& position) {
  const Json line = {
      {"resync", {{"channel", channel}, {"epoch", position.epoch}, {"seq", position.seq}}}};
  print_line(line.dump());
}

}  // namespace tail
