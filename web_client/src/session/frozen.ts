/** Pictures that stand still although somebody sends them. Pure. */

/** A camera that sends has at least a few frames a second, also in its lowest layer. */
export const FROZEN_AFTER_MS = 2_500;

export class FrozenPictures {
  readonly #moved = new Map<string, { frames: number; at: number }>();

  /** `frames`: how many were decoded so far. What has not begun is not frozen. */
  observe(key: string, frames: number, nowMs: number): void {
    const before = this.#moved.get(key);
    if (frames === 0) this.#moved.delete(key);
    else if (before?.frames !== frames) this.#moved.set(key, { frames, at: nowMs });
  }

  /** Nobody sends it now, or nobody here wants to see it. */
  forget(key: string): void {
    this.#moved.delete(key);
  }

  at(nowMs: number): Set<string> {
    return new Set([...this.#moved].filter(([, { at }]) => nowMs - at >= FROZEN_AFTER_MS).map(([key]) => key));
  }
}
