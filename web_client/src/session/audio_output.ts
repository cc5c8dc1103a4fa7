/** Plays what others say, whichever window is shown. */
export class AudioOutput {
  readonly #elements = new Map<MediaStream, HTMLAudioElement>();
  readonly #onBlocked: (blocked: boolean) => void;

  /** `onBlocked`: the browser wants a click before it plays (after a reload). */
  constructor(onBlocked: (blocked: boolean) => void) {
    this.#onBlocked = onBlocked;
  }

  play(streams: readonly MediaStream[]): void {
    for (const [stream, element] of [...this.#elements]) {
      if (streams.includes(stream)) continue;
      element.srcObject = null;
      this.#elements.delete(stream);
    }
    for (const stream of streams) {
      if (this.#elements.has(stream)) continue;
      const element = new Audio();
      element.autoplay = true;
      element.srcObject = stream;
      this.#elements.set(stream, element);
      this.#start(element);
    }
    if (streams.length === 0) this.#onBlocked(false);
  }

  /** Called from a click. */
  unblock(): void {
    for (const element of this.#elements.values()) this.#start(element);
  }

  #start(element: HTMLAudioElement): void {
    element.play().then(
      () => {
        this.#onBlocked(false);
      },
      (error: unknown) => {
        if ((error as { name?: string }).name === 'NotAllowedError') this.#onBlocked(true);
      },
    );
  }
}
