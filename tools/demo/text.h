// text.h: numbers and columns for people to read.
#pragma once

#include <string>
#include <vector>

namespace demo {

std::string grouped(double number);                         // 40,738
std::string clock_time(double seconds);                     // 03:27:48
std::string one_decimal(double number);                     // 59.4
std::string joined(const std::vector<std::string>& lines);  // one below the other
std::string fitted(std::string text, std::size_t width);    // cut or padded on the right

}  // namespace demo
