// elements.js: a shorter way to make elements. Text is always text, never HTML.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { dataset, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

// Sets what has changed only: an attribute that is set again restarts transitions and wakes screen readers.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}
