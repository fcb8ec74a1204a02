// text.cpp: padding and separators.
#include "text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace demo {

std::string grouped(double number) {
  std::string digits = std::to_string(std::llround(number));
  for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, 1, ',');
  return digits;
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<unsigned>(seconds);
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%02u:%02u:%02u", whole / 3600, whole / 60 % 60,
                whole % 60);
  return text.data();
}

std::string one_decimal(double number) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string fitted(std::string text, std::size_t width) {
  text.resize(width, ' ');
  return text;
}

}  // namespace demo
