// What the package gives out. Everything else is its own affair.

export { PresenceClient, type ClientEvents, type ClientOptions, type StatusOptions } from './client.js';
export { Channel, type ChannelEvents, type ChannelHandlers, type Users } from './channel.js';
export type { Clock } from './clock.js';
export type { ConnectionState, Socket, SocketConstructor } from './connection.js';
export { PresenceError } from './errors.js';
export type { Page } from './page.js';
export {
  emptyView, receiveEvent, receiveMissed, receivePosition, receiveSnapshot, type Outcome, type View,
} from './state.js';
export type * from './types.js';
