// A page without a browser: what the client listens to, and where its beacons and its session's id end up.

export function testPage() {
  const stored = new Map();
  const beacons = [];
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  return {
    document,
    window: new EventTarget(),
    sessionStorage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
      removeItem: (key) => void stored.delete(key),
    },
    path: () => '/inbox',
    sendBeacon: (url, text) => beacons.push({ url, text }) > 0,
    stored,
    beacons,
  };
}
