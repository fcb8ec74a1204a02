// names_test.cpp: the names of statuses and reasons.
#include <gtest/gtest.h>

#include "core/types.h"

namespace presence {
namespace {

TEST(Names, OfStatusesComeBack) {
  for (const Status status : {Status::offline, Status::away, Status::online, Status::busy})
    EXPECT_EQ(status_named(name_of(status)), status);
}

TEST(Names, OfReasonsComeBack) {
  for (uint8_t number = 0; number <= static_cast<uint8_t>(Reason::custom); number++) {
    const Reason reason = static_cast<Reason>(number);
    EXPECT_FALSE(name_of(reason).empty());
    EXPECT_EQ(reason_named(name_of(reason)), reason);
  }
}

TEST(Names, OfNothingAreNothing) {
  for (const char* name : {"", "Online", "online ", "onlin", "invisible"}) {
    EXPECT_FALSE(status_named(name)) << name;
    EXPECT_FALSE(reason_named(name)) << name;
  }
}

}  // namespace
}  // namespace presence
