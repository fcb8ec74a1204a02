// throttle.js: many changes, few paintings.

// Returns a function that has `run` called soon, but not more often than once in `interval` milliseconds.
export function throttle(run, interval) {
  let timer = null;
  let last = -Infinity;
  return () => {
    if (timer !== null) return;
    const wait = Math.max(0, last + interval - performance.now());
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      run();
    }, wait);
  };
}
