// table.h: a file of tab-separated lines, as tools/replay/replay.py reads them.
#pragma once

#include <fstream>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace demo {

class Table {
 public:
  explicit Table(const std::string& path) : path_(path), file_(path) {}

  void add(std::initializer_list<std::string_view> fields) {
    add(std::span(fields.begin(), fields.size()));
  }

  void add(std::span<const std::string_view> fields) {
    std::string_view separator;
    for (const std::string_view field : fields) {
      file_ << separator << field;
      separator = "\t";
    }
    file_ << '\n';
  }

  void flush() {
    if (!file_.flush()) throw std::runtime_error("cannot write " + path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace demo
