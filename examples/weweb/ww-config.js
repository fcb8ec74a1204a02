// What WeWeb's editor knows of the component: what can be bound, what it tells, what workflows can call.

const PARTICIPANT = { id: '', name: '', avatar: '', location: '', status: '', isCurrentUser: false };

export default {
  editor: {
    label: { en: 'Presence manager' },
    icon: 'users',
  },
  properties: {
    gatewayUrl: {
      label: { en: 'Gateway URL' },
      type: 'Text',
      section: 'settings',
      bindable: true,
      defaultValue: '',
      /* wwEditor:start */
      bindingValidation: { type: 'string', tooltip: 'ws:// or wss:// address of the gateway, with what authenticates the user' },
      /* wwEditor:end */
    },
    userId: {
      label: { en: 'User id' },
      type: 'Text',
      section: 'settings',
      bindable: true,
      defaultValue: '',
      /* wwEditor:start */
      bindingValidation: { type: 'string', tooltip: 'Added to the URL as user_id, for gateways that believe it' },
      /* wwEditor:end */
    },
    name: { label: { en: 'Name' }, type: 'Text', section: 'settings', bindable: true, defaultValue: '' },
    avatar: { label: { en: 'Avatar' }, type: 'Text', section: 'settings', bindable: true, defaultValue: '' },
    channel: {
      label: { en: 'Channel' },
      type: 'Text',
      section: 'settings',
      bindable: true,
      defaultValue: 'global_presence',
      /* wwEditor:start */
      bindingValidation: { type: 'string', tooltip: 'A room or document to join, or global_presence for everybody' },
      /* wwEditor:end */
    },
    idleMinutes: {
      label: { en: 'Away after (minutes)' },
      type: 'Number',
      section: 'settings',
      bindable: true,
      defaultValue: 5,
      options: { min: 1, max: 240 },
    },
  },
  variables: [
    { name: 'currentStatus', label: { en: 'Current status' }, type: 'string', defaultValue: 'offline' },
    { name: 'onlineUsers', label: { en: 'Online users' }, type: 'array', defaultValue: [] },
    { name: 'connectionState', label: { en: 'Connection state' }, type: 'string', defaultValue: 'closed' },
  ],
  triggerEvents: [
    { name: 'userJoined', label: { en: 'On user joined' }, event: { user: PARTICIPANT }, default: true },
    { name: 'userLeft', label: { en: 'On user left' }, event: { user: PARTICIPANT } },
    { name: 'userStatusChanged', label: { en: 'On user status changed' }, event: { user: PARTICIPANT, previousStatus: '' } },
    { name: 'connectionChanged', label: { en: 'On connection changed' }, event: { state: '' } },
    { name: 'error', label: { en: 'On error' }, event: { code: '', message: '' } },
  ],
  actions: [
    {
      label: { en: 'Update status' },
      action: 'updateStatus',
      args: [
        { name: 'status', type: 'string' },
        { name: 'message', type: 'string' },
      ],
    },
    { label: { en: 'Record activity' }, action: 'recordActivity', args: [] },
    { label: { en: 'Connect again' }, action: 'initializePresence', args: [] },
  ],
};
