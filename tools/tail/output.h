// output.h: lines on stdout.
#pragma once

#include <string>

namespace tail {

// At once, also into a pipe. Throws when it cannot be written.
void print_line(const std::string& line);

// Text of others with nothing in it that a terminal would obey.
std::string harmless(const std::string& text);

}  // namespace tail
