// names.h: names for the people of the trace, who have none but a hash.
#pragma once

#include <string>

namespace demo {

// The same name for the same id. Not each is unique, as in life.
std::string name_of_person(const std::string& user);

}  // namespace demo
