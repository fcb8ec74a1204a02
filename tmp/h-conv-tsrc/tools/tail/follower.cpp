// follower.cpp: the rule, and the way back after a lost connection.
#include "follower.h"

namespace tail {

Follower::Follower(const Options& options, Printer& printer)
    : options_(options), printer_(printer) {
  for (const std::string& name : options.channels) channels_.push_back({name, options.since});
}

void Follower::run() {
  connect();
  while (true) {
    try {
      begin_to_hear();
      hear();
    } catch (const ConnectionLost& lost) {
      reconnect(lost.what());
    }
  }
}

void Follower::connect() {
  presence_.reset();
  presence_.emplace(options_.database, options_.schema);
}

void Follower::reconnect(const std::string& reason) {
  print_remark(reason);
  while (true) {
    sleep_until(Clock::now() + backoff_.next());
    try {
      connect();
      return;
    } catch (const ConnectionLost&) {
      // The remark has been made; the next attempt is later.
    }
  }
}

void Follower::begin_to_hear() {
  listened_.clear();
  for (Channel& channel : channels_) listened_[presence_->listen(channel.name)] = &channel;
  worker_ = presence_->worker_process_id();
  for (Channel& channel : channels_) {
    if (channel.position) {
      catch_up(channel);
    } else {
      begin_anew(channel);
    }
  }
  backoff_.reset();
}

void Follower::hear() {
  while (true) {
    while (const auto notification = presence_->connection().next_notification())
      take(*notification);
    presence_->connection().wait_for_input();
  }
}

void Follower::take(const Notification& notification) {
  Channel& channel = *listened_.at(notification.channel);
  // Anybody may NOTIFY. Events of a worker that is gone by now look the same, so the server is
  // asked what is true.
  if (!is_from_worker(notification)) return catch_up(channel);
  const Event event(notification.payload);
  switch (meaning_of(*channel.position, event.position, event.prev)) {
    case Meaning::next:
      return tell(channel, event);
    case Meaning::known:
      return;
    case Meaning::gap:
      return catch_up(channel);
  }
}

bool Follower::is_from_worker(const Notification& notification) {
  if (worker_ != notification.process_id) worker_ = presence_->worker_process_id();
  return worker_ == notification.process_id;
}

void Follower::catch_up(Channel& channel) {
  while (true) {
    const Missed missed = presence_->events_after(channel.name, *channel.position);
    if (missed.resync) return begin_anew(channel);
    for (const Event& event : missed.events)
      if (is_after(event.position, *channel.position)) tell(channel, event);
    // After a resync among the events a snapshot may be ahead of them.
    if (is_after(missed.position, *channel.position)) channel.position = missed.position;
    if (!missed.has_more) return;
  }
}

void Follower::begin_anew(Channel& channel) {
  const bool has_missed = channel.position.has_value();
  constexpr int for_the_position_only = 1;
  const Snapshot snapshot = presence_->snapshot(
      channel.name, options_.snapshot ? options_.max_users : for_the_position_only);
  channel.position = snapshot.position;
  if (options_.snapshot) {
    printer_.print_snapshot(channel.name, snapshot);
  } else if (has_missed) {
    printer_.print_resync(channel.name, snapshot.position);
  }
}

void Follower::tell(Channel& channel, const Event& event) {
  printer_.print_event(channel.name, event);
  channel.position = event.position;
  // What a truncated event had no room for is in a snapshot.
  if (event.is_resync() || (options_.snapshot && event.is_truncated())) begin_anew(channel);
}

}  // namespace tail
