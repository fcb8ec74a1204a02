// own-status.js: one's own card: how the others see one, and what to change about it.
import { makeAvatar, updateAvatar } from './avatar.js';
import { make, setText } from './elements.js';

const words = { online: 'Online', away: 'Away', busy: 'Busy', offline: 'Not here' };

export class OwnStatus {
  #avatar = makeAvatar();
  #name = make('strong');
  #status = make('span', { className: 'muted' });
  #self;
  #everybody;
  #form;

  constructor({ form, who }, client, self, everybody) {
    this.#self = self;
    this.#everybody = everybody;
    this.#form = form;
    this.#avatar.classList.add('large');
    this.#name.textContent = self.name;
    who.append(this.#avatar, make('div', {}, this.#name, this.#status));

    const { status, message, audience } = form.elements;
    for (const radio of status) radio.addEventListener('change', () => client.setStatus(radio.value));
    message.addEventListener('change', () => client.setMessage(message.value.trim()));
    audience.addEventListener('change', () => {
      client.setVisibility(audience.value);
      this.#paint();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      message.blur();
    });

    const own = (run) => (change) => change.user_id === self.userId && run(change.user);
    everybody.handle({
      onUserJoined: own((user) => this.#fill(user)),
      onUserUpdated: own((user) => this.#fill(user)),
      onSync: () => this.#paint(),
    });
    this.#paint();
  }

  // What was chosen before a reload, or in another tab of the same person. Away may be idleness; busy is always chosen.
  #fill(user) {
    const { status, message } = this.#form.elements;
    if (user.status === 'busy') status.value = 'busy';
    else if (status.value === 'busy') status.value = 'online';
    if (document.activeElement !== message) message.value = user.status_message ?? '';
  }

  #paint() {
    const { userId, name } = this.#self;
    const user = this.#everybody.users.get(userId) ?? { user_id: userId, name, status: 'offline' };
    const hidden = this.#form.elements.audience.value === 'nobody';
    updateAvatar(this.#avatar, user);
    setText(this.#status, hidden ? `${words[user.status]}, hidden from others` : words[user.status]);
  }
}
