// changes.js: one handler for whatever changes what a channel's part of the page shows, cursors apart.

// Calls `run` after each change. Returns what ends that.
export function onChange(channel, run) {
  return channel.handle({ onSync: run, onTypingStart: run, onTypingStop: run, onOccupancy: run });
}
