// composer.js: a line to type into. Presence carries no messages: the others see that one types, not what.

export class Composer {
  #channel = null;

  constructor(form) {
    const input = form.querySelector('input');
    input.addEventListener('input', () => this.#channel?.keystroke());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      input.value = '';
      this.#channel?.stopTyping();
    });
  }

  setChannel(channel) {
    this.#channel?.stopTyping();
    this.#channel = channel;
  }
}
