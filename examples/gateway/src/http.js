// What is asked over plain HTTP: streams, calls, goodbyes, health, and the pages of the static directory.

import sirv from 'sirv';
import { isCall, perform } from './calls.js';
import { CallError, describe, invalid } from './errors.js';
import { EventStream } from './event-stream.js';

/** @param {import('./gateway.js').Gateway} gateway @param {(request: object) => Promise<import('./auth.js').User>} authenticate */
export function requestHandler(gateway, authenticate) {
  const { staticDirectory } = gateway.config;
  const serveStatic = staticDirectory ? sirv(staticDirectory, { dev: true }) : (request, response, next) => next();
  const routes = {
    'GET /healthz': health,
    'GET /presence/events': stream,
    'POST /presence/call': call,
    'POST /presence/bye': bye,
  };

  return (request, response) => {
    const [pathname] = request.url.split('?', 1);
    const route = routes[`${request.method} ${pathname}`];
    if (!route) return serveStatic(request, response, () => reply(response, 404, { error: 'not found' }));
    route(request, response).catch((error) => refuse(response, error));
  };

  async function health(request, response) {
    reply(response, gateway.isReady ? 200 : 503, { ready: gateway.isReady, sockets: gateway.sockets.size, streams: gateway.streams.size });
  }

  async function stream(request, response) {
    const user = await authenticated(request);
    if (response.destroyed) return; // Nobody would notice that it has gone.
    const name = new URL(request.url, 'http://gateway').searchParams.get('channel');
    if (!name) throw invalid('"channel" is missing');
    const channel = gateway.channelForBrowsers(name);
    const position = lastPosition(request.headers['last-event-id']);
    await new EventStream(gateway, response, { channel, viewer: gateway.viewerFor(user), position }).run();
  }

  async function call(request, response) {
    const user = await authenticated(request);
    const message = await jsonBody(request);
    if (!isCall(message.call)) throw invalid(`unknown call "${message.call}"`, 'What is not one function of the database needs a WebSocket.');
    const result = await perform(gateway.database, { user, sessionId: undefined }, message);
    reply(response, 200, { ref: message.ref, result });
  }

  /** Whoever knows the id of a session may end it: a page that closes cannot say more. */
  async function bye(request, response) {
    const { session_id: id } = await jsonBody(request);
    if (typeof id !== 'string') throw invalid('"session_id" is missing');
    await gateway.sessions.goodbye(id);
    response.writeHead(204).end();
  }

  async function authenticated(request) {
    try {
      return await authenticate(request);
    } catch (error) {
      throw new CallError('28000', error.message);
    }
  }

  async function jsonBody(request) {
    let text = '';
    for await (const part of request.setEncoding('utf8')) {
      text += part;
      if (text.length > gateway.config.maxMessage) throw new CallError('54000', 'the message is too long');
    }
    const body = parseJson(text);
    if (typeof body !== 'object' || body === null) throw invalid('the body is not a JSON object');
    return body;
  }
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `epoch:seq`, as in the ids of the stream. Whatever else it is, the stream begins with a snapshot. */
function lastPosition(id) {
  const [, epoch, seq] = /^([0-9a-f]+):(\d{1,15})$/.exec(id ?? '') ?? [];
  return epoch ? { epoch, seq: Number(seq) } : null;
}

const STATUS_OF_CLASS = { '08': 503, '28': 401, 42: 403, 54: 413, XX: 500 };

function refuse(response, error) {
  const described = describe(error);
  reply(response, STATUS_OF_CLASS[described.code.slice(0, 2)] ?? 400, { error: described });
}

function reply(response, status, body) {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}
