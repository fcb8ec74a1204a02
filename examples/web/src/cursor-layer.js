// cursor-layer.js: paints cursors and selections over the text.
import { hueOf, nameOf } from './avatar.js';
import { make, setText } from './elements.js';
import { isPlace, rangeOf } from './text-position.js';

const restAfter = 4000;
const goneAfter = 30000;
const mostCursors = 40;
const nameRoom = 150; // pixels

export class CursorLayer {
  #layer;
  #blocks;
  #cursors = new Map(); // user id -> { element, selection, user, movedAt }

  // `blocks` are the paragraphs.
  constructor(layer, blocks) {
    this.#layer = layer;
    this.#blocks = blocks;
    setInterval(() => this.#age(), 1000);
  }

  clear() {
    for (const id of [...this.#cursors.keys()]) this.remove(id);
  }

  move(user) {
    if (!isPlace(user.cursor_position)) return this.remove(user.user_id);
    const cursor = this.#cursors.get(user.user_id) ?? this.#add(user);
    cursor.user = user;
    cursor.movedAt = performance.now();
    cursor.element.classList.remove('is-resting');
    this.#paint(cursor);
    if (this.#cursors.size > mostCursors) this.remove(this.#cursors.keys().next().value);
  }

  remove(userId) {
    const cursor = this.#cursors.get(userId);
    if (!cursor) return;
    cursor.element.remove();
    cursor.selection.remove();
    this.#cursors.delete(userId);
  }

  // The text has another shape: everything is somewhere else.
  repaint() {
    for (const cursor of this.#cursors.values()) this.#paint(cursor);
  }

  #add(user) {
    const element = make('div', { className: 'cursor', dataset: { userId: user.user_id } }, make('span', { className: 'cursor-name' }));
    const selection = make('div');
    for (const each of [element, selection]) each.style.setProperty('--hue', hueOf(user.user_id));
    this.#layer.append(selection, element);
    const cursor = { element, selection };
    this.#cursors.set(user.user_id, cursor);
    return cursor;
  }

  #paint({ element, selection, user }) {
    const origin = this.#layer.getBoundingClientRect();
    const place = user.cursor_position;
    const caret = caretBox(place, this.#blocks);
    element.style.transform = `translate(${caret.left - origin.left}px, ${caret.top - origin.top}px)`;
    element.style.height = `${caret.height}px`;
    element.classList.toggle('is-at-the-right', origin.right - caret.left < nameRoom);
    setText(element.firstChild, nameOf(user));
    selection.replaceChildren(...this.#selectionBoxes(user.selection_range, origin));
  }

  #selectionBoxes(selected, origin) {
    if (!isPlace(selected?.from) || !isPlace(selected?.to)) return [];
    return [...rangeOf(selected.from, selected.to, this.#blocks).getClientRects()].map((box) => {
      const part = make('div', { className: 'selected' });
      part.style.cssText = `left:${box.left - origin.left}px;top:${box.top - origin.top}px;width:${box.width}px;height:${box.height}px`;
      return part;
    });
  }

  #age() {
    const now = performance.now();
    for (const [id, { element, movedAt }] of this.#cursors) {
      if (now - movedAt > goneAfter) this.remove(id);
      else if (now - movedAt > restAfter) element.classList.add('is-resting');
    }
  }
}

// An empty range has no box in some browsers: that of the letter beside it has the same left or right edge.
function caretBox(place, blocks) {
  const range = rangeOf(place, place, blocks);
  const box = range.getClientRects()[0];
  return box ?? blocks[0].getBoundingClientRect();
}
