// row_state.h: where a session or a member stands with its row in its table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace presence {

enum class RowState : uint8_t {
  none,       // there is no row
  current,    // the row says what memory says
  dirty,      // only moments and what moves often differ: flushed now and then
  waiting,    // new, or something else differs: written soon
  writing,    // the worker's open transaction writes it
  ended,      // its row is to be deleted
  deleting,   // the worker's open transaction deletes its row
  held,       // waits to be tried again: its row could not be written, somebody has locked it
  held_ended  // the same of one that has ended
};
inline constexpr std::size_t row_lists = 9;  // by state; `none` and `current` have no list

// Nothing is left of the record but what its row is found by.
inline bool is_over(RowState state) {
  return state == RowState::ended || state == RowState::deleting || state == RowState::held_ended;
}

}  // namespace presence
