// The session's id from one page load to the next, in the tab's sessionStorage. It lies there only while no page is
// loaded: a tab that is duplicated gets a copy of the storage, and two tabs with one session would end each other's.

export type SessionStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const KEY = 'presence-client.session_id';

/** Takes the id out. Storage that is forbidden (private mode, a sandbox) is like none. */
export function takeSessionId(storage: SessionStorage | null): string | null {
  try {
    const id = storage?.getItem(KEY) ?? null;
    storage?.removeItem(KEY);
    return id;
  } catch {
    return null;
  }
}

export function leaveSessionId(storage: SessionStorage | null, id: string): void {
  try {
    storage?.setItem(KEY, id);
  } catch {
    // The next page begins a session of its own.
  }
}
