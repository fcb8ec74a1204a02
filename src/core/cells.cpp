// cells.cpp: the free stack and the chains of text.
#include "cells.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "prefetch.h"

namespace presence {

namespace {

constexpr uint64_t with_number(uint64_t top, Cell cell) { return ((top >> 32) + 1) << 32 | cell; }

}  // namespace

void CellPool::create(CellPoolHead* head, RawCell* cells, uint32_t count) {
  new (head) CellPoolHead{};
  head->fresh = 1;
  head->count = count;
  attach(head, cells);
}

void CellPool::attach(CellPoolHead* head, RawCell* cells) {
  head_ = head;
  cells_ = cells;
}

// The read of `next` may race with the cell's new owner, which the thread sanitizer cannot
// know to be harmless: test/unit/stress.cpp tells it.
Cell CellPool::take() {
  uint64_t top = head_->top.load(std::memory_order_acquire);
  while (static_cast<Cell>(top) != no_cell) {
    const Cell cell = static_cast<Cell>(top);
    // May read what another owner has written by now: then the counter has moved.
    const Cell next = std::atomic_ref<Cell>(at<Cell>(cell)).load(std::memory_order_relaxed);
    if (head_->top.compare_exchange_weak(top, with_number(top, next), std::memory_order_acquire)) {
      head_->used.fetch_add(1, std::memory_order_relaxed);
      // The next one's link would be waited for when it is taken.
      if (next != no_cell && next <= head_->count) prefetch_to_write(&at<Cell>(next));
      return cell;
    }
  }
  uint32_t fresh = head_->fresh.load(std::memory_order_relaxed);
  while (fresh <= head_->count) {
    if (head_->fresh.compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed)) {
      head_->used.fetch_add(1, std::memory_order_relaxed);
      return fresh;
    }
  }
  return no_cell;
}

void CellPool::give(Cell cell) {
  if (cell == no_cell) return;
  uint64_t top = head_->top.load(std::memory_order_relaxed);
  do {
    std::atomic_ref<Cell>(at<Cell>(cell)).store(static_cast<Cell>(top), std::memory_order_relaxed);
  } while (
      !head_->top.compare_exchange_weak(top, with_number(top, cell), std::memory_order_release));
  head_->used.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<Cell> put_text(CellPool& pool, std::string_view text) {
  Cell first = no_cell;
  // From the back, so that each cell knows its next when it is made.
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t start = (end - 1) / TextCell::capacity * TextCell::capacity;
    const Cell cell = pool.take();
    if (cell == no_cell) {
      free_text(pool, first);
      return std::nullopt;
    }
    TextCell& part = pool.at<TextCell>(cell);
    std::atomic_ref<Cell>(part.next).store(first, std::memory_order_relaxed);
    part.bytes = static_cast<uint32_t>(text.size());
    std::memcpy(part.part, text.data() + start, end - start);
    first = cell;
    end = start;
  }
  return first;
}

void free_text(CellPool& pool, Cell text) {
  while (text != no_cell) {
    const Cell next = pool.at<TextCell>(text).next;
    pool.give(text);
    text = next;
  }
}

namespace {

std::size_t cells_for(std::size_t bytes) {
  return (bytes + TextCell::capacity - 1) / TextCell::capacity;
}

}  // namespace

bool replace_text(CellPool& pool, Cell& text, std::string_view by) {
  if (cells_for(text_bytes(pool, text)) != cells_for(by.size())) {
    const std::optional<Cell> put = put_text(pool, by);
    if (!put) return false;
    free_text(pool, text);
    text = *put;
    return true;
  }
  const auto bytes = static_cast<uint32_t>(by.size());
  for (Cell at = text; at != no_cell; at = pool.at<TextCell>(at).next) {
    TextCell& part = pool.at<TextCell>(at);
    const std::size_t here = std::min(by.size(), TextCell::capacity);
    part.bytes = bytes;
    std::memcpy(part.part, by.data(), here);
    by.remove_prefix(here);
  }
  return true;
}

uint32_t text_bytes(const CellPool& pool, Cell text) {
  return text == no_cell ? 0 : pool.at<TextCell>(text).bytes;
}

uint32_t get_text(const CellPool& pool, Cell text, char* to) {
  const uint32_t bytes = text_bytes(pool, text);
  for (std::size_t left = bytes; left > 0;) {
    const TextCell& part = pool.at<TextCell>(text);
    const std::size_t here = std::min(left, TextCell::capacity);
    std::memcpy(to, part.part, here);
    to += here;
    left -= here;
    text = part.next;
  }
  return bytes;
}

bool text_equals(const CellPool& pool, Cell text, std::string_view other) {
  if (text_bytes(pool, text) != other.size()) return false;
  while (!other.empty()) {
    const TextCell& part = pool.at<TextCell>(text);
    const std::size_t here = std::min(other.size(), TextCell::capacity);
    if (std::memcmp(part.part, other.data(), here) != 0) return false;
    other.remove_prefix(here);
    text = part.next;
  }
  return true;
}

}  // namespace presence
