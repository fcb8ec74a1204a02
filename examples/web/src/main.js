// main.js: puts the page together. Each module owns one part of it and shows what the channels know.
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { createClient, showConnection } from './connection.js';
import { HistoryChart } from './history-chart.js';
import { identity, linkToAnother } from './identity.js';
import { OwnStatus } from './own-status.js';
import { PeopleList } from './people-list.js';
import { RoomList } from './room-list.js';
import { RoomView } from './room-view.js';
import { rooms } from './rooms.js';
import { SharedDocument } from './shared-document.js';
import { Ticker } from './ticker.js';
import { startViews } from './views.js';

const element = (id) => document.getElementById(id);

const self = identity();
const client = createClient(self);
const everybody = client.channel('global_presence');

showConnection(client, element('connection'));
element('another').href = linkToAnother();
const views = startViews(document.body);

new OwnStatus({ form: element('own-status'), who: element('you-who') }, client, self, everybody);
new PeopleList(
  {
    scroll: element('people-scroll'),
    list: element('people'),
    count: element('people-count'),
    search: element('people-search'),
  },
  everybody,
  self.userId,
);
new HistoryChart({ chart: element('history'), legend: element('history-legend') }, everybody);
new Ticker(element('ticker'), everybody);

const sharedDocument = new SharedDocument(
  { paper: element('document'), text: element('document-text'), cursors: element('cursors') },
  client,
  self,
);
const roomView = new RoomView(
  {
    title: element('room-title'),
    count: element('room-count'),
    members: element('room-members'),
    typing: element('typing'),
  },
  self.userId,
  new Announcer(element('announcer')),
);
const composer = new Composer(element('composer'));
const roomList = new RoomList(element('rooms'), rooms, client, (room) => {
  enter(room);
  views.show('room');
  element('room').focus({ preventScroll: true });
});

// One room at a time: to be in a room is to be a member of its channel and of its document's.
let entered = null;

function enter(room) {
  if (entered === room) return;
  if (entered) void client.channel(entered.id).untrack();
  entered = room;
  const channel = client.channel(room.id);
  void channel.track();
  roomList.setCurrent(room);
  roomView.show(room, channel);
  sharedDocument.show(room);
  composer.setChannel(channel);
}

enter(rooms[0]);
void everybody.subscribe();
void client.connect();
