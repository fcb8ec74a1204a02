// Handlers by the name of what they wait for. A handler that throws harms neither the others nor the client: its error
// is thrown again where nobody else is in the middle of anything, and gets to the page's or process's own error handler.

export type Handler<T> = (payload: T) => void;

export class Emitter<Payloads extends object> {
  readonly #handlers = new Map<keyof Payloads, Set<Handler<never>>>();

  /** Returns what takes the handler away again. */
  on<K extends keyof Payloads>(name: K, handler: Handler<Payloads[K]>): () => void {
    let handlers = this.#handlers.get(name);
    if (!handlers) this.#handlers.set(name, (handlers = new Set()));
    handlers.add(handler);
    return () => this.off(name, handler);
  }

  off<K extends keyof Payloads>(name: K, handler: Handler<Payloads[K]>): void {
    this.#handlers.get(name)?.delete(handler);
  }

  emit<K extends keyof Payloads>(name: K, payload: Payloads[K]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])] as Handler<Payloads[K]>[]) {
      try {
        handler(payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
