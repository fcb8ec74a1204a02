// Waiting for what will be so soon.

import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 60_000; // of a machine that has much else to do

/** What `condition` returns when it is something, or an error that says what it was waited for. */
export async function until(what, condition) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}
