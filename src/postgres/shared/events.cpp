// events.cpp: the ring, under the events lock.
#include "postgres/shared/events.h"

#include <cstring>

namespace presence {

namespace {

// The slot's number is the owner; 0 is the ring's own filler.
uint32_t owner_of(const RealmRef& realm) { return realm.number + 1u; }

std::optional<Event> event_at(const RealmRef& realm, uint64_t position) {
  return shared.ring.next(owner_of(realm), position);
}

}  // namespace

Stream stream_of(const RealmRef& realm) {
  LWLockAcquire(shared.events, LW_SHARED);
  const Stream stream = realm.control().stream;
  LWLockRelease(shared.events);
  return stream;
}

uint64_t horizon_of(const RealmRef& realm) {
  LWLockAcquire(shared.events, LW_SHARED);
  const Stream& stream = realm.control().stream;
  const std::optional<Event> first = event_at(realm, stream.first);
  const uint64_t horizon = first ? first->seq - 1 : stream.seq;
  LWLockRelease(shared.events);
  return horizon;
}

// ---- for the worker --------------------------------------------------------

void append_event(const RealmRef& realm, uint64_t epoch, Hearers hearers, std::string_view channel,
                  std::string_view payload) {
  LWLockAcquire(shared.events, LW_EXCLUSIVE);
  RealmControl& control = realm.control();
  if (!realm.gone() && control.stream.epoch == epoch) {
    shared.ring.append(control.stream, owner_of(realm), hearers, channel, payload);
    control.marks.note(control.stream.seq, control.stream.newest);
  }
  LWLockRelease(shared.events);
}

bool see_event(const RealmRef& realm, uint64_t& from, SeenEvent& out) {
  LWLockAcquire(shared.events, LW_SHARED);
  from = std::max(from, realm.control().stream.first);
  const std::optional<Event> event = event_at(realm, from);
  if (event) {
    from = event->next;
    out.seq = event->seq;
    out.hearers = event->hearers;
    out.channel_bytes = static_cast<uint32_t>(event->channel.size());
    std::memcpy(out.channel_text, event->channel.data(), event->channel.size());
  }
  LWLockRelease(shared.events);
  return event.has_value();
}

namespace {

char* copy_text(std::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  to[text.size()] = '\0';
  return to + text.size() + 1;
}

Bookmark& bookmark_of(Stream& stream, Taker taker) {
  return taker == Taker::log ? stream.logged : stream.sent;
}

}  // namespace

Untaken copy_untaken(const RealmRef& realm, Taker taker, uint32_t at_most,
                     std::string_view private_channel, std::span<char> buffer) {
  Untaken untaken{};
  char* to = buffer.data();
  LWLockAcquire(shared.events, LW_SHARED);
  Stream& stream = realm.control().stream;
  untaken.epoch = stream.epoch;
  untaken.until = bookmark_of(stream, taker);
  untaken.any = untaken.until.seq < stream.seq;
  while (untaken.count < at_most && untaken.until.seq < stream.seq) {
    const std::optional<Event> event = event_at(realm, untaken.until.position);
    if (!event) {
      untaken.lost = true;
      untaken.until.seq = stream.seq;
      break;
    }
    const std::string_view listeners = is_public(event->hearers) ? event->channel : private_channel;
    const std::size_t bytes = listeners.size() + event->payload.size() + 2;
    if (bytes > static_cast<std::size_t>(buffer.data() + buffer.size() - to)) break;
    untaken.lost |= event->seq != untaken.until.seq + 1;
    if (!listeners.empty()) {
      to = copy_text(listeners, to);
      to = copy_text(event->payload, to);
      untaken.count++;
    }
    untaken.until = {event->next, event->seq};
  }
  LWLockRelease(shared.events);
  return untaken;
}

void mark_taken(const RealmRef& realm, Taker taker, const Untaken& taken) {
  LWLockAcquire(shared.events, LW_EXCLUSIVE);
  Stream& stream = realm.control().stream;
  if (!realm.gone() && stream.epoch == taken.epoch) bookmark_of(stream, taker) = taken.until;
  LWLockRelease(shared.events);
}

void note_resync(const RealmRef& realm) {
  LWLockAcquire(shared.events, LW_EXCLUSIVE);
  Stream& stream = realm.control().stream;
  if (!realm.gone()) stream.resync = stream.seq + 1;
  LWLockRelease(shared.events);
}

void skip_untaken(const RealmRef& realm, Taker taker) {
  LWLockAcquire(shared.events, LW_EXCLUSIVE);
  Stream& stream = realm.control().stream;
  if (!realm.gone()) bookmark_of(stream, taker) = {shared.ring.end(), stream.seq};
  LWLockRelease(shared.events);
}

// ---- for who asks ----------------------------------------------------------

namespace {

// It is about rules, or about coming to a channel and going. The kind comes soon in a payload.
bool tells_who_is_seen(const Event& event) {
  const std::string_view head = event.payload.substr(0, 1024);
  for (const std::string_view kind :
       {"\"event\":\"visibility_changed\"", "\"event\":\"user_joined\"", "\"event\":\"user_left\""})
    if (head.find(kind) != std::string_view::npos) return true;
  return false;
}

}  // namespace

bool Interest::covers(const Event& event) const {
  switch (event.hearers) {
    case Hearers::everybody:
    case Hearers::everybody_in_part:
      return (!channel.empty() && event.channel == channel) ||
             (!naming.empty() && event.payload.find(naming) != std::string_view::npos);
    case Hearers::trusted:
      return secrets == Secrets::all ||
             (secrets == Secrets::untold && (event.channel == channel || tells_who_is_seen(event)));
    case Hearers::trusted_as_well:
      return secrets == Secrets::all;
  }
  return false;
}

namespace {

char* copy_heard(const Event& event, char* to) {
  const HeardEvent head{event.seq, event.hearers, static_cast<uint16_t>(event.channel.size()),
                        static_cast<uint16_t>(event.payload.size())};
  std::memcpy(to, &head, sizeof head);
  to += sizeof head;
  std::memcpy(to, event.channel.data(), event.channel.size());
  to += event.channel.size();
  std::memcpy(to, event.payload.data(), event.payload.size());
  return to + event.payload.size();
}

// With the events lock. The seqs of a stream have no gaps: where one is, something has left the
// ring.
void copy_interesting(const RealmRef& realm, const Interest& interest, std::span<char> buffer,
                      Heard& heard) {
  const RealmControl& control = realm.control();
  char* to = buffer.data();
  uint64_t from = std::max(control.stream.first,
                           control.marks.before(heard.seq + 1, shared.ring.oldest()).position);
  while (heard.seq < control.stream.seq) {
    const std::optional<Event> event = event_at(realm, from);
    heard.known = event && event->seq <= heard.seq + 1;
    if (!heard.known) return;
    from = event->next;
    if (event->seq <= heard.seq) continue;
    if (interest.covers(*event)) {
      const std::size_t bytes = sizeof(HeardEvent) + event->channel.size() + event->payload.size();
      if (bytes > static_cast<std::size_t>(buffer.data() + buffer.size() - to)) break;
      to = copy_heard(*event, to);
    }
    heard.seq = event->seq;
  }
  heard.all = heard.seq == control.stream.seq;
  heard.bytes = static_cast<std::size_t>(to - buffer.data());
}

}  // namespace

Heard hear_events(const RealmRef& realm, uint64_t epoch, uint64_t seq, const Interest& interest,
                  std::span<char> buffer) {
  LWLockAcquire(shared.events, LW_SHARED);
  const Stream& stream = realm.control().stream;
  Heard heard{true, stream.epoch, seq, true, 0};
  heard.known = epoch == stream.epoch && seq <= stream.seq && seq >= stream.resync;
  if (heard.known && seq < stream.seq) copy_interesting(realm, interest, buffer, heard);
  LWLockRelease(shared.events);
  return heard;
}

}  // namespace presence
