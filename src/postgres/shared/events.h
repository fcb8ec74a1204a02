// events.h: the events of a realm: put into the ring, taken out to be sent, looked up by who asks.
//
// None of these can raise an error. What is found is copied out of the ring.
#pragma once

#include <span>

#include "postgres/shared/state.h"

namespace presence {

Stream stream_of(const RealmRef& realm);
// The seq of the newest event that has left the ring; 0: none has.
uint64_t horizon_of(const RealmRef& realm);

// ---- for the worker --------------------------------------------------------

// The payload is made with the epoch and the next seq of the stream as it was read; only the worker
// appends. A reset in between leaves the event out.
void append_event(const RealmRef& realm, uint64_t epoch, Hearers hearers, std::string_view channel,
                  std::string_view payload);

// Copies the first event of the stream at or after `from` (0: of all in the ring), and moves `from`
// behind it. False: there is none.
struct SeenEvent {
  uint64_t seq;
  Hearers hearers;
  uint32_t channel_bytes;
  char channel_text[max_id_bytes];

  std::string_view channel() const { return {channel_text, channel_bytes}; }
};
bool see_event(const RealmRef& realm, uint64_t& from, SeenEvent& out);

// Who takes all events of a stream, one after the other.
enum class Taker : uint8_t { broadcaster, log };

// Copies the events that it has not taken yet into `buffer`, as "channel\0payload\0" each, at most
// `at_most` of them. What only the trusted may hear goes to `private_channel`; empty: to nobody.
struct Untaken {
  uint32_t count;
  bool any;   // the stream has gone on, for whomever
  bool lost;  // some were overwritten before they were taken
  uint64_t epoch;
  Bookmark until;
};
Untaken copy_untaken(const RealmRef& realm, Taker taker, uint32_t at_most,
                     std::string_view private_channel, std::span<char> buffer);
void mark_taken(const RealmRef& realm, Taker taker, const Untaken& taken);
// Whoever knows no more than what there is now takes a new snapshot, of whatever channel.
void note_resync(const RealmRef& realm);
// It begins with what comes from now on.
void skip_untaken(const RealmRef& realm, Taker taker);

// ---- for who asks ----------------------------------------------------------

// Of what only the trusted may hear: nothing; what nobody else was told, as far as it is about the
// channel or about who is seen; or all.
enum class Secrets : uint8_t { none, untold, all };

// Which events somebody wants to hear of.
struct Interest {
  std::string_view channel;  // public ones on it; empty: none
  std::string_view naming;   // public ones with this in their payload; empty: none
  Secrets secrets;           // of all channels

  bool covers(const Event& event) const;
};

// Copies what came after `seq` and is of interest, each as a HeardEvent with channel and payload
// behind it, as far as there is room for it.
struct HeardEvent {
  uint64_t seq;
  Hearers hearers;
  uint16_t channel_bytes;
  uint16_t payload_bytes;
};
struct Heard {
  bool known;      // what came after `seq` is there
  uint64_t epoch;  // the stream's
  uint64_t seq;    // so far everything was looked at
  bool all;        // and that is everything
  std::size_t bytes;
};
Heard hear_events(const RealmRef& realm, uint64_t epoch, uint64_t seq, const Interest& interest,
                  std::span<char> buffer);

}  // namespace presence
