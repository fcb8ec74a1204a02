// shared-document.js: the text of a room, where the others are in it, and where one is oneself.
import { CursorLayer } from './cursor-layer.js';
import { paragraphs, title } from './document-text.js';
import { make } from './elements.js';
import { placeAt, placeOf } from './text-position.js';

export class SharedDocument {
  #client;
  #self;
  #paper;
  #blocks;
  #layer;
  #channel = null;
  #place = { block: 0, offset: 0 };
  #stop = () => {};

  constructor({ paper, text, cursors }, client, self) {
    this.#client = client;
    this.#self = self;
    this.#paper = paper;
    this.#blocks = paragraphs.map((paragraph, block) => make('p', { textContent: paragraph, dataset: { block } }));
    text.append(make('h3', { textContent: title }), ...this.#blocks);
    this.#layer = new CursorLayer(cursors, this.#blocks);

    paper.addEventListener('pointermove', (event) => this.#moveTo(placeAt(event.clientX, event.clientY)));
    paper.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('selectionchange', () => this.#select(document.getSelection()));
    new ResizeObserver(() => this.#layer.repaint()).observe(text);
  }

  show(room) {
    this.#stop();
    this.#layer.clear();
    const channel = this.#client.document(room.id);
    const stopHandling = channel.handle({
      onUserJoined: ({ user }) => this.#moved(user),
      onCursorMoved: ({ user }) => this.#moved(user),
      onUserLeft: ({ user_id }) => this.#layer.remove(user_id),
    });
    void channel.subscribe();
    void channel.track();
    this.#channel = channel;
    this.#stop = () => {
      stopHandling();
      void channel.untrack();
      channel.unsubscribe();
    };
    for (const user of channel.users.values()) this.#moved(user);
  }

  #moved(user) {
    if (user.user_id !== this.#self.userId) this.#layer.move(user);
  }

  #moveTo(place) {
    if (!place || (place.block === this.#place.block && place.offset === this.#place.offset)) return;
    this.#place = place;
    this.#channel?.moveCursor(place, null);
  }

  #select(selection) {
    if (selection.isCollapsed || !this.#paper.contains(selection.anchorNode)) return;
    const range = selection.getRangeAt(0);
    const from = placeOf(range.startContainer, range.startOffset);
    const to = placeOf(range.endContainer, range.endOffset);
    if (from && to) this.#channel?.moveCursor(this.#place, { from, to });
  }

  // Left and right by ten letters, up and down by a paragraph.
  #onKey(event) {
    const steps = { ArrowLeft: [0, -10], ArrowRight: [0, 10], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const block = clamp(this.#place.block + step[0], this.#blocks.length - 1);
    const offset = clamp(this.#place.offset + step[1], this.#blocks[block].firstChild.length);
    this.#moveTo({ block, offset });
    this.#blocks[block].scrollIntoView({ block: 'nearest' });
    this.#layer.move({ user_id: this.#self.userId, name: 'You', cursor_position: { block, offset } });
  }
}

function clamp(value, most) {
  return Math.max(0, Math.min(value, most));
}
