// Waiting: for a time, and for what comes true.

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Asks again and again until the answer is true; throws after `seconds`. */
export async function until(what, condition, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}
