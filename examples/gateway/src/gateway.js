// The parts of the gateway, and how they hang together:
//
//   browser -- Socket, EventStream -- Subscription -- CatchUp ---- Database (pool)
//                     |                    |
//                  Sessions             Channels -- view of the mode
//                     |                    |            |
//                     '---------------- Listener -------'        (one connection: LISTEN and bound sessions)

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { CatchUp } from './catch-up.js';
import { Channels } from './channels.js';
import { Database } from './database.js';
import { notForBrowsers } from './for-browsers.js';
import { requestHandler } from './http.js';
import { Listener } from './listener.js';
import { presentPublic, PublicView } from './public-view.js';
import { Sessions } from './sessions.js';
import { RESTARTS, Socket } from './socket.js';
import { presentToViewer, ViewerView } from './viewer-view.js';

const PING_EVERY = 30_000;
/** Quiet channels are asked about so often: positions do not grow old, and nothing stays missed. */
const REFRESH_EVERY = 60_000;
const UNAUTHENTICATED = 4001;

export class Gateway {
  #authenticate;
  #listener;
  #view;
  #server;
  #webSockets;
  #timers = [];
  /** @type {Set<Socket>} */
  sockets = new Set();
  /** @type {Set<import('./event-stream.js').EventStream>} */
  streams = new Set();

  /**
   * @param {import('./config.js').Config} config
   * @param {(request: import('node:http').IncomingMessage) => Promise<import('./auth.js').User>} authenticate
   */
  constructor(config, authenticate) {
    const { privateChannel } = config;
    this.config = config;
    this.#authenticate = authenticate;
    this.#listener = new Listener(config);
    this.database = new Database(config);
    this.sessions = new Sessions(config.schema, this.#listener, this.database);
    this.catchUp = new CatchUp(this.database, privateChannel ? presentToViewer : presentPublic);
    this.channels = new Channels(this.#listener, this.catchUp);
    this.#view = privateChannel
      ? new ViewerView(this.channels, this.#listener, privateChannel)
      : new PublicView(this.channels);
    this.#server = createServer(requestHandler(this, authenticate));
    this.#webSockets = new WebSocketServer({
      server: this.#server, path: '/presence', maxPayload: config.maxMessage, perMessageDeflate: false,
    });
  }

  get isReady() {
    return this.#listener.isReady;
  }

  viewerFor(user) {
    return this.#view.viewerFor(user);
  }

  /** The channel, when browsers may subscribe to it. */
  channelForBrowsers(channel) {
    if (this.#view.isForBrowsers(channel)) return channel;
    throw notForBrowsers();
  }

  /** Resolves with the address when it serves, which it does whether the database is there already or not. */
  async start() {
    this.#listener.on('event', (event, name) => this.#view.heard(event, name));
    this.#listener.on('lost', () => this.catchUp.pause());
    this.#listener.on('ready', () => this.#databaseIsBack());
    await this.#listener.open();
    this.#webSockets.on('connection', (socket, request) => this.#connected(socket, request));
    this.#timers = [
      setInterval(() => this.#ping(), PING_EVERY),
      setInterval(() => this.#refresh(), REFRESH_EVERY),
    ];
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.config.port, this.config.host, resolve);
    });
    return this.#server.address();
  }

  /** Browsers are told to come back; who does so within the grace was never away. */
  async stop() {
    this.#timers.forEach(clearInterval);
    this.catchUp.pause();
    this.#server.close();
    for (const socket of this.sockets) socket.close(RESTARTS, 'the gateway restarts');
    for (const stream of this.streams) stream.close();
    await this.sessions.endAll().catch((error) => console.error('goodbyes:', error.message));
    await this.#listener.close();
    await this.database.end();
    this.#server.closeAllConnections();
  }

  async #databaseIsBack() {
    try {
      await this.#view.begin();
      await this.sessions.bindAgain();
      await this.channels.listenAgain();
    } catch (error) {
      this.#listener.reopen(error);
    }
  }

  async #connected(socket, request) {
    // What it says until it is known who it is waits in the socket.
    socket.pause();
    socket.isAlive = true;
    socket.on('pong', () => { socket.isAlive = true; });
    socket.on('error', () => {}); // A close follows.
    try {
      const user = await this.#authenticate(request);
      if (socket.readyState !== socket.OPEN) return;
      this.sockets.add(new Socket(this, socket, user, whereFrom(request)));
      socket.resume();
    } catch (error) {
      socket.resume();
      socket.close(UNAUTHENTICATED, reason(error.message));
    }
  }

  #ping() {
    for (const socket of this.#webSockets.clients) {
      if (!socket.isAlive) socket.terminate();
      socket.isAlive = false;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
    for (const stream of this.streams) stream.keepAlive();
  }

  #refresh() {
    for (const socket of this.sockets) socket.refresh();
    for (const stream of this.streams) stream.refresh();
  }
}

/** A closing frame has room for 123 bytes. */
const reason = (text) => Buffer.from(text).subarray(0, 120).toString().replace(/\ufffd$/, '');

/** A proxy on this machine says for whom it asks; nobody else is believed. */
function whereFrom({ headers, socket }) {
  const isLocal = ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(socket.remoteAddress);
  return { address: (isLocal && headers['x-real-ip']) || socket.remoteAddress, agent: headers['user-agent'], stream: socket };
}
