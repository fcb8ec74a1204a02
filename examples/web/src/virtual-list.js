// virtual-list.js: a list of any length of which only the rows that can be seen are elements.
import { throttle } from './throttle.js';

const rowHeight = 56;
const overscan = 4;

export class VirtualList {
  #scroll;
  #list;
  #makeRow;
  #updateRow;
  #items = [];
  #rows = new Map();

  // `scroll` scrolls, `list` is inside it. `makeRow()` returns a `li`, `updateRow(row, item)` fills it; an item has a `key`.
  constructor(scroll, list, makeRow, updateRow) {
    this.#scroll = scroll;
    this.#list = list;
    this.#makeRow = makeRow;
    this.#updateRow = updateRow;
    const paint = throttle(() => this.#paint(), 16);
    scroll.addEventListener('scroll', paint, { passive: true });
    new ResizeObserver(paint).observe(scroll);
  }

  setItems(items) {
    this.#items = items;
    this.#list.style.height = `${items.length * rowHeight}px`;
    this.#paint();
  }

  #paint() {
    const first = Math.max(0, Math.floor(this.#scroll.scrollTop / rowHeight) - overscan);
    const end = Math.ceil((this.#scroll.scrollTop + this.#scroll.clientHeight) / rowHeight) + overscan;
    const visible = this.#items.slice(first, end);

    const keys = new Set(visible.map((item) => item.key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    visible.forEach((item, index) => this.#place(item, first + index));
  }

  #place(item, index) {
    let row = this.#rows.get(item.key);
    if (!row) {
      row = this.#makeRow();
      this.#rows.set(item.key, row);
      this.#list.append(row);
    }
    row.style.transform = `translateY(${index * rowHeight}px)`;
    // Screen readers hear the true length, and each row's place in it.
    row.ariaSetSize = String(this.#items.length);
    row.ariaPosInSet = String(index + 1);
    this.#updateRow(row, item);
  }
}
