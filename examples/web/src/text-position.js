// text-position.js: places in the text as everybody understands them, whatever the width of their screen: a paragraph
// ("block") and a letter in it ("offset").

// The place under a point of the window, or null when it is on no paragraph.
export function placeAt(x, y) {
  const { node, offset } = caretAt(x, y);
  return node && placeOf(node, offset);
}

// The place of a node and an offset as Selection has them, or null.
export function placeOf(node, offset) {
  const block = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest?.('[data-block]');
  return block ? { block: Number(block.dataset.block), offset: node.nodeType === Node.TEXT_NODE ? offset : 0 } : null;
}

// What others send may lie outside of the text: it is taken as the nearest place.
export function rangeOf(from, to, blocks) {
  const range = document.createRange();
  const [start, end] = [from, to].map((place) => nodeAt(place, blocks));
  range.setStart(start.node, start.offset);
  range.setEnd(end.node, end.offset);
  return range;
}

export function isPlace(value) {
  return Number.isInteger(value?.block) && Number.isInteger(value?.offset) && value.block >= 0 && value.offset >= 0;
}

function nodeAt({ block, offset }, blocks) {
  const node = blocks[Math.min(block, blocks.length - 1)].firstChild;
  return { node, offset: Math.min(offset, node.length) };
}

// Browsers have one or the other.
function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const position = document.caretPositionFromPoint(x, y);
    return { node: position?.offsetNode, offset: position?.offset };
  }
  const range = document.caretRangeFromPoint(x, y);
  return { node: range?.startContainer, offset: range?.startOffset };
}
