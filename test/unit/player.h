// player.h: plays what a string of bytes says, against the roster and the naive model.
//
// Three realms, a few users in each, so that everything collides; a few open transactions; one
// worker; and as few cells as the bytes want. After each step every answer of the roster is
// compared with the model's, and the region is walked.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace presence::test {

// What did not agree, with the steps that led there and both sides' users; empty when all did.
std::string play(std::span<const uint8_t> bytes);

}  // namespace presence::test
