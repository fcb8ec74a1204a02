// views.js: on a narrow screen, which of the views is shown. On a wide one all are.

export function startViews(body) {
  const buttons = [...body.querySelectorAll('[data-show]')];
  const show = (view) => {
    body.dataset.view = view;
    for (const button of buttons) {
      if (button.dataset.show === view) button.setAttribute('aria-current', 'page');
      else button.removeAttribute('aria-current');
    }
  };
  for (const button of buttons) button.addEventListener('click', () => show(button.dataset.show));
  return { show };
}
