// What a channel needs of the connection.

import type { Arguments } from './calls.js';

export interface Link {
  readonly isOpen: boolean;
  call(name: string, args: Arguments): Promise<unknown>;
  post(name: string, args: Arguments): boolean;
}
