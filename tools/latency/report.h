// report.h: what was measured, for people and for programs.
#pragma once

#include <string>
#include <vector>

namespace latency {

struct Times {
  std::string kind;
  std::vector<double> times;  // us, in order

  double at(double part) const;
};

struct Measured {
  int commits;  // of each kind
  int asked;    // of the load, changes a second
  double reached;
  std::vector<Times> kinds;
};

void print_for_people(const Measured& measured);
void print_as_json(const Measured& measured);

}  // namespace latency
