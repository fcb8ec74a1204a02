// printer.cpp: which of them it is.
#include "printer.h"

#include <cstdio>

#include "human_printer.h"
#include "json_printer.h"

namespace tail {

std::unique_ptr<Printer> make_printer(const Options& options) {
  if (options.json) return std::make_unique<JsonPrinter>();
  return std::make_unique<HumanPrinter>(options);
}

void print_remark(const std::string& text) {
  std::fprintf(stderr, "presence-tail: %s\n", text.c_str());
}

}  // namespace tail
