// What is used of the page that the client runs in. There is none in Node, and tests bring their own.

import type { SessionStorage } from './session-id.js';

export interface Page {
  readonly document: EventTarget & { readonly visibilityState: string };
  readonly window: EventTarget;
  /** null: forbidden. */
  readonly sessionStorage: SessionStorage | null;
  /** What is reported as the page that the person is on. */
  path(): string;
  /** Sends text even though the page is about to go; false: not possible. */
  sendBeacon(url: string, text: string): boolean;
}

export function browserPage(): Page | null {
  if (typeof window === 'undefined' || typeof document === 'undefined') return null;
  return {
    document,
    window,
    sessionStorage: storageOf(window),
    path: () => window.location.pathname,
    sendBeacon: (url, text) => navigator.sendBeacon?.(url, text) ?? false,
  };
}

/** Where it is forbidden, asking alone is an error. */
function storageOf(window: Window): SessionStorage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}
