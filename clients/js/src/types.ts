// The words that client and gateway use, as PROTOCOL.md has them, and what the application gets to see.
// Keys are those of the database, in snake_case, so that one name means one thing from the table to the page.

export type Status = 'online' | 'away' | 'busy' | 'offline';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type UserData = { [key: string]: Json };

/** Place in the sequence of events of one run of the server. */
export interface Position {
  epoch: string;
  seq: number;
}

/** One person as a channel's map has it. Objects are never changed, only replaced: an older one stays what it was. */
export interface User {
  readonly id: string;
  readonly user_id: string;
  readonly name: string | null;
  readonly avatar: string | null;
  readonly status: Status;
  readonly status_message: string | null;
  readonly user_data: UserData | null;
  readonly last_seen?: string | null;
  readonly last_seen_bucket?: string | null;
  readonly current_page?: string | null;
  readonly joined_at?: string;
  readonly cursor_position?: Json;
  readonly selection_range?: Json;
  readonly state?: Json;
  readonly typing?: boolean;
}

export interface Typist {
  readonly user_id: string;
  readonly user_name: string | null;
}

export interface Snapshot {
  channel: string;
  epoch: string | null;
  seq: number | null;
  truncated?: boolean;
  members?: number;
  large?: boolean;
  users: User[];
  typing?: Typist[];
}

export interface PresenceEvent extends Position {
  prev: number;
  channel: string;
  event: string;
  user_id?: string;
  timestamp?: string;
  status?: Status;
  previous_status?: Status;
  status_message?: string | null;
  reason?: string | null;
  user?: UserData & { id: string };
  user_name?: string | null;
  cursor_position?: Json;
  selection_range?: Json;
  state?: Json;
  typing?: boolean;
  members?: number;
  large?: boolean;
  /** Something did not fit, and is left out or null. */
  truncated?: boolean;
}

/** What one message did to a channel's map: what handlers are called with. */
export type Change =
  | { type: 'join'; user_id: string; user: User; reason: string | null }
  | { type: 'leave'; user_id: string; user: User; reason: string | null }
  | { type: 'update'; user_id: string; user: User; previous: User; reason: string | null }
  | {
      type: 'status';
      user_id: string;
      user: User;
      status: Status;
      previous_status: Status;
      status_message: string | null;
      reason: string | null;
    }
  | { type: 'cursor'; user_id: string; user: User; cursor_position: Json; selection_range: Json }
  | { type: 'state'; user_id: string; user: User; state: Json }
  | { type: 'typing'; user_id: string; user_name: string | null; typing: boolean }
  | { type: 'occupancy'; members: number; large: boolean };

export type ChangeOf<T extends Change['type']> = Extract<Change, { type: T }>;

/** Answer of the gateway to `hello`. */
export interface Welcome {
  user_id: string;
  session_id: string;
  status: Status;
  epoch: string;
  seq: number;
  heartbeat_every: number;
}
