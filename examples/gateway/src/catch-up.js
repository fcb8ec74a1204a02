// Asks the database on behalf of subscriptions that are behind: many with one query, and one question for all that
// ask the same. What becomes due while a query is under way is asked together by the next one.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError } from './errors.js';
import { isForBrowsers, notForBrowsers } from './for-browsers.js';
import { eventMessage, snapshotMessage } from './messages.js';

/** Questions of one query. A snapshot may be large, and all of a query are in memory at once. */
const MOST_SNAPSHOTS = 20;
const MOST_RESUMES = 200;
/** A choice, the database has no limit: who is left out of a snapshot, which says so, appears with the next event only. */
const MAX_USERS = 10_000;
const MAX_EVENTS = 1_000;
const RETRY_AFTER = 250;

/**
 * @typedef {object} Question
 * @property {string} channel
 * @property {string | null} viewer
 * @property {string} [epoch]
 * @property {number} [seq]
 * @property {import('./subscription.js').Subscription[]} from who asks
 */

export class CatchUp {
  #database;
  #present;
  #snapshots = new Lane(MOST_SNAPSHOTS, (questions) => this.#answerWithSnapshots(questions));
  #resumes = new Lane(MOST_RESUMES, (questions) => this.#answerWithEvents(questions));

  /**
   * @param {import('./database.js').Database} database
   * @param {(event: object) => object} present an event as browsers get it
   */
  constructor(database, present) {
    this.#database = database;
    this.#present = present;
  }

  add(subscription) {
    (subscription.needsSnapshot ? this.#snapshots : this.#resumes).add(subscription);
  }

  /** While nothing is listened to nobody is asked: what happens after the answer would not be heard. */
  pause() {
    this.#snapshots.pause();
    this.#resumes.pause();
  }

  resume() {
    this.#snapshots.resume();
    this.#resumes.resume();
  }

  /** @param {Question[]} questions */
  async #answerWithSnapshots(questions) {
    const { rows } = await this.#database.query(
      `SELECT s ->> 'epoch' AS epoch, (s ->> 'seq')::float8 AS seq, s ? 'members' AS "isRoom", s::text AS json
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (channel, viewer, number),
              ${this.#database.schema}.presence_snapshot(asked.channel, asked.viewer, $3) AS s
        ORDER BY number`,
      [questions.map(({ channel }) => channel), questions.map(({ viewer }) => viewer), MAX_USERS]);
    rows.forEach(({ epoch, seq, isRoom, json }, index) => {
      const { channel, from } = questions[index];
      if (!isForBrowsers(channel, { isRoom })) return refuse(from);
      const position = { epoch, seq };
      const message = snapshotMessage(json, position);
      for (const subscription of from) subscription.takeSnapshot(position, message);
    });
  }

  /** @param {Question[]} questions */
  async #answerWithEvents(questions) {
    const { rows } = await this.#database.query(
      `SELECT a AS answer
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
                WITH ORDINALITY AS asked (channel, viewer, epoch, seq, number),
              ${this.#database.schema}.presence_events(asked.channel, asked.epoch, asked.seq, $5, asked.viewer) AS a
        ORDER BY number`,
      [questions.map(({ channel }) => channel), questions.map(({ viewer }) => viewer),
        questions.map(({ epoch }) => epoch), questions.map(({ seq }) => seq), MAX_EVENTS]);
    rows.forEach(({ answer: { epoch, seq, resync, events } }, index) => {
      const { channel, from } = questions[index];
      if (events.some((event) => event.channel !== channel)) return refuse(from);
      const told = events.map((event) => ({ event, message: eventMessage(this.#present(event)) }));
      for (const subscription of from)
        if (resync) subscription.takeResync();
        else subscription.takeEvents({ epoch, seq }, told, events.length < MAX_EVENTS);
    });
  }
}

/** Asks with one query at a time, so what waits is bounded by who waits. */
class Lane {
  #most;
  #answer;
  #waiting = new Set();
  #enabled = false;
  #running = false;

  /** @param {number} most questions of one query @param {(questions: Question[]) => Promise<void>} answer */
  constructor(most, answer) {
    this.#most = most;
    this.#answer = answer;
  }

  add(subscription) {
    this.#waiting.add(subscription);
    this.#run();
  }

  pause() {
    this.#enabled = false;
  }

  resume() {
    this.#enabled = true;
    this.#run();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    while (this.#enabled && this.#waiting.size > 0) {
      await nextTurn(); // Whoever falls behind at the same moment is asked for together.
      await this.#ask(this.#takeQuestions());
    }
    this.#running = false;
  }

  #takeQuestions() {
    const questions = new Map();
    for (const subscription of this.#waiting) {
      const { channel, viewer, position } = subscription;
      const { epoch, seq } = subscription.needsSnapshot ? {} : position;
      const key = JSON.stringify([channel, viewer, epoch, seq]);
      if (questions.size === this.#most && !questions.has(key)) continue;
      this.#waiting.delete(subscription);
      if (!subscription.beginAsking()) continue;
      const question = questions.get(key);
      if (question) question.from.push(subscription);
      else questions.set(key, { channel, viewer, epoch, seq, from: [subscription] });
    }
    return [...questions.values()];
  }

  /** One that is refused must not keep the others from their answers: then each is asked alone. */
  async #ask(questions) {
    if (questions.length === 0) return;
    try {
      await this.#answer(questions);
    } catch (error) {
      if (isConnectionError(error)) {
        await sleep(RETRY_AFTER);
        forEachOf(questions, (subscription) => subscription.askAgain());
      } else if (questions.length === 1) {
        forEachOf(questions, (subscription) => subscription.fail(error));
      } else {
        for (const question of questions) await this.#ask([question]);
      }
    }
  }
}

/** The channel has become a special one since it was listened to. */
function refuse(subscriptions) {
  for (const subscription of subscriptions) subscription.fail(notForBrowsers());
}

function forEachOf(questions, use) {
  for (const { from } of questions) from.forEach(use);
}
