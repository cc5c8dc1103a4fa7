/** One dictation over its WebSocket, `/api/assistant/speech`: sound out, guesses and then the text in. See docs/voice.md. */
import { readWireError, RequestError } from '@/signaling/errors';

const PATH = '/api/assistant/speech';
/** The last guess after a stop: the server looks at all of it once more. */
const FINAL_MS = 30_000;
const OPEN_MS = 10_000;
/** Sound kept while the connection opens: nobody's first word is lost. */
const MAX_WAITING = 300;

export interface Guess {
  /** Will not change while the person speaks … */
  readonly stable: string;
  /** … and what may. */
  readonly rest: string;
}

export interface Recognised {
  readonly text: string;
  /** False: the end was not recognised, the text is what was shown. */
  readonly complete: boolean;
  /** The longest time was reached. */
  readonly cutOff: boolean;
}

export interface RecognitionEvents {
  readonly ready: (maxSeconds: number) => void;
  readonly guess: (guess: Guess) => void;
  /** Once, unless it failed. */
  readonly done: (text: Recognised) => void;
  /** Once, instead of `done`. */
  readonly failed: (error: RequestError) => void;
}

type ServerMessage =
  | { readonly type: 'ready'; readonly max_seconds: number }
  | { readonly type: 'partial'; readonly stable: string; readonly rest: string }
  | { readonly type: 'final'; readonly text: string; readonly complete: boolean; readonly cut_off: boolean }
  | { readonly type: 'error'; readonly error: unknown };

export class Recognition {
  readonly #events: RecognitionEvents;
  readonly #socket: WebSocket;
  #waiting: Int16Array<ArrayBuffer>[] = [];
  #ready = false;
  #stopped = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor(server: string, token: () => string | Promise<string>, events: RecognitionEvents) {
    this.#events = events;
    const address = new URL(PATH, server);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#socket = new WebSocket(address);
    this.#socket.onopen = () => void this.#start(token);
    this.#socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.#take(data);
    };
    this.#socket.onclose = () => {
      this.#fail(new RequestError('offline'));
    };
    this.#timer = setTimeout(() => {
      this.#fail(new RequestError('timeout'));
    }, OPEN_MS);
  }

  sound(samples: Int16Array<ArrayBuffer>): void {
    if (this.#over || this.#stopped || samples.length === 0) return;
    if (this.#ready) this.#socket.send(samples);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(samples);
  }

  /** The person has finished: `done` follows. */
  stop(): void {
    if (this.#stopped || this.#over) return;
    this.#stopped = true;
    if (this.#ready) this.#sayStop();
  }

  /** Nothing follows. */
  cancel(): void {
    this.#end();
  }

  async #start(token: () => string | Promise<string>): Promise<void> {
    try {
      const given = await token();
      this.#socket.send(JSON.stringify({ type: 'start', token: given }));
    } catch {
      this.#fail(new RequestError('token_missing'));
    }
  }

  #sayStop(): void {
    this.#socket.send(JSON.stringify({ type: 'stop' }));
    this.#timer = setTimeout(() => {
      this.#fail(new RequestError('timeout'));
    }, FINAL_MS);
  }

  #take(data: unknown): void {
    const message = read(data);
    if (message === null || this.#over) return;
    switch (message.type) {
      case 'ready':
        clearTimeout(this.#timer);
        this.#ready = true;
        for (const samples of this.#waiting) this.#socket.send(samples);
        this.#waiting = [];
        this.#events.ready(message.max_seconds);
        if (this.#stopped) this.#sayStop();
        break;
      case 'partial':
        this.#events.guess({ stable: message.stable, rest: message.rest });
        break;
      case 'final':
        this.#end();
        this.#events.done({ text: message.text, complete: message.complete, cutOff: message.cut_off });
        break;
      case 'error': {
        const error = readWireError(message.error);
        this.#fail(error === null ? new RequestError('internal_error') : RequestError.fromWire(error));
      }
    }
  }

  #fail(error: RequestError): void {
    if (this.#over) return;
    this.#end();
    this.#events.failed(error);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#socket.close();
  }
}

function read(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data) as ServerMessage;
  } catch {
    return null;
  }
}
