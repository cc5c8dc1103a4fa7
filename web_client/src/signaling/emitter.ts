/** A typed event emitter small enough to read at once; handlers may unsubscribe while one runs. */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<(value: never) => void>>();

  /** Returns the function that unsubscribes. */
  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => void): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers);
    handlers.add(handler as (value: never) => void);
    return () => {
      handlers.delete(handler as (value: never) => void);
    };
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) (handler as (value: Events[E]) => void)(value);
  }
}
