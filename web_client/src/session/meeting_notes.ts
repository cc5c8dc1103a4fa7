/** Meeting notes in the page: a Yjs document beside the server's (`signaling/rooms/meeting_notes.py`). */
import * as Y from 'yjs';
import type { Notes, NotesKept } from '@/protocol/messages';
import { isLocalFailure, OFFLINE, RequestError } from '@/signaling/errors';

const ROOT = 'notes';
/** Typing goes out together, and slower than the server's limit for what is costly. */
const PUSH_AFTER_MS = 600;
const RETRY_AFTER_MS = 2_000;
/** Asking again is of no use; without a line the next welcome asks. */
const FOR_GOOD: ReadonlySet<string> = new Set([OFFLINE, 'not_allowed', 'not_found', 'meeting_ended', 'wrong_phase']);

export interface NotesSignaling {
  get(vector: string | null): Promise<Notes>;
  edit(update: string): Promise<NotesKept>;
}

export interface NotesListener {
  /** The text is another, by others. `at` moves a place in the text to where it is now. */
  changed(text: string, at: (place: number) => number): void;
  /** Everything written is kept. */
  kept(all: boolean): void;
  /** One's last words were not taken. */
  refused(error: RequestError): void;
}

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

/** What was put in place of what, the least there can be. */
export function difference(before: string, after: string): { at: number; removed: number; inserted: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { at: start, removed: before.length - start - end, inserted: after.slice(start, after.length - end) };
}

type Delta = readonly { retain?: number; insert?: unknown; delete?: number }[];

/** Where a place in the text is after somebody else's change. */
export function moved(place: number, delta: Delta): number {
  let at = 0;
  let now = place;
  for (const step of delta) {
    if (step.retain !== undefined) at += step.retain;
    else if (typeof step.insert === 'string') {
      if (at < now) now += step.insert.length;
      at += step.insert.length;
    } else if (step.delete !== undefined && at < now) now -= Math.min(step.delete, now - at);
  }
  return now;
}

export class NotesDocument {
  readonly #signaling: NotesSignaling;
  readonly #listener: NotesListener;
  #doc = new Y.Doc();
  #text = this.#doc.getText(ROOT);
  /** What the server has, as it said last; null before it has said anything. */
  #known: Uint8Array | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #busy: Promise<void> | null = null;
  #dirty = false;
  #closed = false;

  constructor(signaling: NotesSignaling, listener: NotesListener) {
    this.#signaling = signaling;
    this.#listener = listener;
  }

  get text(): string {
    return this.#text.toString();
  }

  /** After every welcome: both sides give each other what they lack. */
  async synchronise(): Promise<void> {
    const notes = await this.#read();
    this.#known = fromBase64(notes.vector);
    this.takeIn(notes.update);
    if (this.#dirty) this.#push(0);
    else this.#listener.kept(true);
  }

  /** An edit of somebody else. */
  takeIn(update: string): void {
    const steps: Delta[] = [];
    const note = (event: Y.YTextEvent): void => void steps.push(event.delta as Delta);
    this.#text.observe(note);
    Y.applyUpdate(this.#doc, fromBase64(update), 'server');
    this.#text.unobserve(note);
    if (steps.length > 0) this.#listener.changed(this.text, (place) => steps.reduce((now, delta) => moved(now, delta), place));
  }

  /** The person has written: the field holds `after` now. */
  write(after: string): void {
    const { at, removed, inserted } = difference(this.text, after);
    if (removed === 0 && inserted === '') return;
    this.#doc.transact(() => {
      if (removed > 0) this.#text.delete(at, removed);
      if (inserted !== '') this.#text.insert(at, inserted);
    });
    this.#dirty = true;
    this.#listener.kept(false);
    this.#push(PUSH_AFTER_MS);
  }

  /** Sends what has not been sent; resolves when it is kept or cannot be. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#busy !== null) await this.#busy;
    if (this.#dirty) await this.#send();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#doc.destroy();
  }

  /** What is refused for now is asked for again: an empty field would look like notes that are lost. */
  async #read(): Promise<Notes> {
    for (;;) {
      try {
        return await this.#signaling.get(toBase64(Y.encodeStateVector(this.#doc)));
      } catch (error) {
        if (this.#closed || !(error instanceof RequestError) || FOR_GOOD.has(error.code)) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_AFTER_MS));
      }
    }
  }

  #push(afterMs: number): void {
    if (this.#timer !== null || this.#busy !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#send();
    }, afterMs);
  }

  #send(): Promise<void> {
    this.#busy ??= this.#exchange().finally(() => {
      this.#busy = null;
      if (this.#dirty && this.#known !== null) this.#push(PUSH_AFTER_MS);
    });
    return this.#busy;
  }

  async #exchange(): Promise<void> {
    if (this.#known === null) return;
    const update = Y.encodeStateAsUpdate(this.#doc, this.#known);
    this.#dirty = false;
    try {
      const { vector } = await this.#signaling.edit(toBase64(update));
      this.#known = fromBase64(vector);
      if (!this.#dirty) this.#listener.kept(true);
    } catch (error) {
      this.#dirty = true;
      if (!(error instanceof RequestError)) throw error;
      if (isLocalFailure(error)) {
        this.#known = null; // `synchronise` begins anew when the line is back
      } else if (error.code === 'rate_limited' || error.code === 'records_unavailable') {
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_AFTER_MS));
      } else {
        this.#dirty = false;
        await this.#giveUp(error);
      }
    }
  }

  /** The server does not take it: what it has is the truth. */
  async #giveUp(error: RequestError): Promise<void> {
    this.#doc.destroy();
    this.#doc = new Y.Doc();
    this.#text = this.#doc.getText(ROOT);
    this.#listener.refused(error);
    await this.synchronise().catch(() => {
      this.#known = null;
    });
    this.#listener.changed(this.text, (place) => Math.min(place, this.text.length));
  }
}
