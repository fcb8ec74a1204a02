// document-text.js: the text that everybody reads together, and what it is about: how presence is known.

export const title = 'How we know who is here';

export const paragraphs = [
  'A light in a window says more than an address. Somebody is at home, somebody is awake, one may knock. Presence is that light: it tells who is here now, and it must go out when they leave.',
  'Switching it on is easy. Each click, each key and each move of the pointer is a small proof of life. The page counts them and says now and then: this person did something. The database writes that down in memory, which costs nothing worth counting.',
  'Switching it off is hard, because those who leave seldom say so. A laptop is closed, a train enters a tunnel, a battery is empty. Nobody sends a goodbye from a tunnel, and so silence itself has to mean something.',
  'First it means that somebody is idle. After a while without activity a person counts as away. You can see it on this page: the colour of the avatar fades, and the dot becomes a crescent. A single touch brings it back.',
  'Later it means that somebody is gone. A client that is still there sends a heartbeat, even when its person does not move. When these stop, the session has ended, and with the last session the person goes offline.',
  'A reload is not a goodbye. Between two pages there is a moment of nothing, and whoever took it for a departure would make everybody blink. So there is a grace: who is back in time was never away.',
  'Several windows are one person. Each tab and each device has a session of its own, and the strongest of them speaks: busy over online, online over away. Only when all of them have ended is the person offline.',
  'People also speak for themselves. Busy is something that one decides, and it stays, whatever the pointer does, until one takes it back. It is written to the tables in a transaction and survives a crash, as a decision should.',
  'Rooms are made by those who are in them. The first one to join makes a room, the last one to leave ends it. Who is in a room sees its members come and go, and three dots when one of them writes.',
  'The cursors on this page are presence, too. Move your pointer over these lines, or select some words, and the others see where you are. Only the last place counts; what was before it is forgotten at once.',
  'Not everybody wants to be seen, and nobody has to. Whoever hides looks exactly like somebody who has just left. What cannot be told apart cannot be guessed, and that is all that hiding means.',
  'What you see here comes from the database as events, numbered without gaps. A page that misses one notices it, asks for the rest, and has the true picture again. That is the whole trick: never guess, always know how much you know.',
];
