// A stream of Server-Sent Events as a browser reads it.

import { once } from 'node:events';
import { request } from 'node:http';
import { Picture } from './picture.js';

export class Stream {
  #request;
  #response;
  #rest = '';
  lastId = null;
  /** The `event:` of each message. */
  kinds = [];
  heard = [];
  isOver = false;

  static async open(gateway, user, channel, lastId = null) {
    const stream = new Stream();
    const [epoch, seq] = lastId?.split(':') ?? [];
    stream.picture = new Picture(lastId ? { epoch, seq: Number(seq) } : null);
    const headers = lastId ? { 'Last-Event-ID': lastId } : {};
    stream.#request = request(`http://${gateway.address}/presence/events?user_id=${user}&channel=${channel}`, { headers });
    stream.#request.on('error', () => { stream.isOver = true; });
    stream.#request.end();
    [stream.#response] = await once(stream.#request, 'response');
    stream.status = stream.#response.statusCode;
    stream.#response.on('close', () => { stream.isOver = true; });
    stream.#response.on('error', () => {});
    stream.#response.setEncoding('utf8').on('data', (text) => stream.#received(text));
    return stream;
  }

  stopReading() {
    this.#response.pause();
  }

  readAgain() {
    this.#response.resume();
  }

  close() {
    this.#request.destroy();
  }

  #received(text) {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop();
    for (const block of blocks) this.#take(block);
  }

  #take(block) {
    const fields = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    if (!fields.data) return; // a comment, or an answer that is no stream
    this.heard.push(fields.data);
    this.kinds.push(fields.event);
    this.lastId = fields.id;
    this.picture.apply(JSON.parse(fields.data));
  }
}
