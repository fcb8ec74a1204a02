// events.cpp: appending and walking.
//
// An entry never wraps: when it does not fit before the end, a filler takes the rest.
#include "events.h"

#include <cstring>
#include <new>

namespace presence {

struct EventRing::Header {
  std::size_t capacity;
  uint64_t oldest;
  uint64_t end;
};

struct EventRing::Entry {
  uint32_t length;  // of the whole entry, a multiple of 8
  uint32_t owner;   // 0: a filler
  uint64_t seq;
  uint16_t channel_bytes;
  uint16_t payload_bytes;
  Hearers hearers;

  char* text() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

constexpr std::size_t header_bytes = 64;

constexpr std::size_t rounded(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

}  // namespace

void EventRing::create(void* memory, std::size_t bytes) {
  static_assert(sizeof(Header) <= header_bytes);
  const std::size_t capacity = (bytes - header_bytes) / 8 * 8;
  // Position 0 means "none".
  new (memory) Header{capacity, capacity, capacity};
  attach(memory);
}

void EventRing::attach(void* memory) {
  header_ = static_cast<Header*>(memory);
  bytes_ = static_cast<char*>(memory) + header_bytes;
}

EventRing::Entry& EventRing::entry_at(uint64_t position) const {
  return *reinterpret_cast<Entry*>(bytes_ + position % header_->capacity);
}

void EventRing::drop_oldest() {
  const std::size_t rest = header_->capacity - header_->oldest % header_->capacity;
  header_->oldest += rest < sizeof(Entry) ? rest : entry_at(header_->oldest).length;
}

void EventRing::append(Stream& stream, uint32_t owner, Hearers hearers, std::string_view channel,
                       std::string_view payload) {
  const std::size_t length = rounded(sizeof(Entry) + channel.size() + payload.size());
  const std::size_t rest = header_->capacity - header_->end % header_->capacity;
  const std::size_t filler = rest < length ? rest : 0;
  while (header_->end + filler + length - header_->oldest > header_->capacity) drop_oldest();
  if (filler >= sizeof(Entry))
    new (&entry_at(header_->end)) Entry{static_cast<uint32_t>(filler), 0, 0, 0, 0, {}};
  const uint64_t position = header_->end + filler;

  Entry& entry = *new (&entry_at(position)) Entry{static_cast<uint32_t>(length),
                                                  owner,
                                                  ++stream.seq,
                                                  static_cast<uint16_t>(channel.size()),
                                                  static_cast<uint16_t>(payload.size()),
                                                  hearers};
  std::memcpy(entry.text(), channel.data(), channel.size());
  std::memcpy(entry.text() + channel.size(), payload.data(), payload.size());
  stream.newest = position;
  header_->end = position + length;
}

std::optional<Event> EventRing::next(uint32_t owner, uint64_t from) const {
  uint64_t position = from < header_->oldest ? header_->oldest : from;
  while (position < header_->end) {
    const std::size_t rest = header_->capacity - position % header_->capacity;
    if (rest < sizeof(Entry)) {
      position += rest;
      continue;
    }
    Entry& entry = entry_at(position);
    if (entry.owner == owner)
      return Event{position,
                   position + entry.length,
                   entry.seq,
                   entry.hearers,
                   {entry.text(), entry.channel_bytes},
                   {entry.text() + entry.channel_bytes, entry.payload_bytes}};
    position += entry.length;
  }
  return std::nullopt;
}

uint64_t EventRing::oldest() const { return header_->oldest; }
uint64_t EventRing::end() const { return header_->end; }

}  // namespace presence
