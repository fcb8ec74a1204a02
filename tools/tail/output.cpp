// output.cpp: stdio.
#include "output.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace tail {
namespace {

std::string escaped(unsigned code) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "\\u%04x", code);
  return text.data();
}

}  // namespace

void print_line(const std::string& line) {
  const std::string whole = line + "\n";
  if (std::fwrite(whole.data(), 1, whole.size(), stdout) != whole.size() ||
      std::fflush(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot write");
}

// Control characters are those below space, DEL, and U+0080 to U+009F, which UTF-8 writes as C2 80
// to C2 9F.
std::string harmless(const std::string& text) {
  std::string harmless;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7f) {
      harmless += escaped(byte);
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      harmless += escaped(next);
      ++i;
    } else {
      harmless += text[i];
    }
  }
  return harmless;
}

}  // namespace tail
