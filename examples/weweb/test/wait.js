// Waiting for what will be so soon, on a machine that may have much else to do.
import { vi } from 'vitest';

export const waitFor = (check) => vi.waitFor(check, 30_000);
