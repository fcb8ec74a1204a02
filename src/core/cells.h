// cells.h: the pool of fixed cells from which everything is made, and texts.
//
// A cell is known by its number, so the region may be mapped anywhere; number 0 is
// "none". Free cells are a lock-free stack: the top carries a counter beside the
// number, so that a cell taken and given back in between is noticed (ABA). Cells
// that were never used are not in the stack but behind `fresh`, so that a start
// does not touch the whole region. take() and give() need no lock; what is inside
// a cell belongs to whoever the cell belongs to.
#pragma once

#include <atomic>

#include "types.h"

namespace presence {

inline constexpr std::size_t cell_bytes = 128;
// Of a cell's number: so there is room beside it where there is little.
inline constexpr uint32_t cell_bits = 29;
inline constexpr uint32_t max_cells = (1u << cell_bits) - 1;

struct alignas(cell_bytes) RawCell {
  unsigned char bytes[cell_bytes];
};

struct alignas(64) CellPoolHead {
  std::atomic<uint64_t> top;    // counter << 32 | number
  std::atomic<uint32_t> fresh;  // numbers from here on were never used
  std::atomic<uint32_t> used;
  uint32_t count;  // numbers go from 1 to count
};

class CellPool {
 public:
  void create(CellPoolHead* head, RawCell* cells, uint32_t count);
  void attach(CellPoolHead* head, RawCell* cells);

  Cell take();  // no_cell when there is none
  void give(Cell cell);

  uint32_t count() const { return head_->count; }
  uint32_t used() const { return head_->used.load(std::memory_order_relaxed); }

  template <typename Record>
  Record& at(Cell cell) const {
    static_assert(sizeof(Record) <= cell_bytes);
    return *reinterpret_cast<Record*>(cells_[cell - 1].bytes);
  }

 private:
  CellPoolHead* head_ = nullptr;
  RawCell* cells_ = nullptr;
};

// Of an id as a record keeps it: a longer one goes on in a text.
inline constexpr std::size_t inline_id = 32;
inline constexpr std::size_t short_id = 36;  // a uuid fits

// ---- texts -----------------------------------------------------------------

// A text is a chain of cells; the empty text is no_cell.
struct TextCell {
  static constexpr std::size_t capacity = cell_bytes - 2 * sizeof(uint32_t);

  Cell next;
  uint32_t bytes;  // of the whole text, in its first cell
  char part[capacity];
};

// Nothing when the pool is empty; the empty text always works.
std::optional<Cell> put_text(CellPool& pool, std::string_view text);
void free_text(CellPool& pool, Cell text);
// Puts another text in the place of one, in its cells when they are as many. False: the pool is
// empty, and nothing has changed.
bool replace_text(CellPool& pool, Cell& text, std::string_view by);
uint32_t text_bytes(const CellPool& pool, Cell text);
// Copies to `to`, which must have room, and returns how many bytes it were.
uint32_t get_text(const CellPool& pool, Cell text, char* to);
bool text_equals(const CellPool& pool, Cell text, std::string_view other);

}  // namespace presence
