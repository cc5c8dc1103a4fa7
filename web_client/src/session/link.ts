/** What the publish and the subscribe connection have in common. */
import type { IceServerView, NotificationMap, RequestMap } from '@/protocol/messages';

export type LinkState = 'off' | 'connecting' | 'connected' | 'recovering' | 'failed';

/** How a connection talks to the server about its interaction. */
export interface LinkSignaling {
  request<E extends keyof RequestMap>(event: E, payload: RequestMap[E]['request']): Promise<RequestMap[E]['response']>;
}

export interface LinkOptions {
  readonly interactionId: string;
  readonly signaling: LinkSignaling;
  readonly iceServers: () => readonly IceServerView[];
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  /** RTCPeerConnection state, null when there is none. */
  readonly onConnectionState: (state: RTCPeerConnectionState | null) => void;
}

export type SlotChange = NotificationMap['media.slot'];

export function toIceServers(views: readonly IceServerView[]): RTCIceServer[] {
  return views.map((view) => ({
    urls: [...view.urls],
    ...(view.username == null ? {} : { username: view.username }),
    ...(view.credential == null ? {} : { credential: view.credential }),
  }));
}

export function createPeerConnection(options: LinkOptions, iceServers: readonly IceServerView[]): RTCPeerConnection {
  return new RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    rtcpMuxPolicy: 'require',
    iceServers: toIceServers(iceServers),
    iceTransportPolicy: options.iceTransportPolicy,
  });
}

/** Runs jobs one after another; a failed job does not stop those behind it. */
export class Sequence {
  #tail: Promise<unknown> = Promise.resolve();

  run<Result>(job: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

/**
 * As long as a peer connection is wanted. What an RTCPeerConnection was doing when it is closed never settles (WebRTC
 * §4.4.1.2: "if connection.[[IsClosed]] is true, abort these steps"), and whoever waits for it would wait for ever.
 */
export class Lifetime {
  readonly #controller = new AbortController();

  get ended(): boolean {
    return this.#controller.signal.aborted;
  }

  end(): void {
    this.#controller.abort();
  }

  /** The promise, or a rejection as soon as this has ended. */
  of<Result>(promise: Promise<Result>): Promise<Result> {
    const { signal } = this.#controller;
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Error('the connection was closed'));
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
    });
  }
}

/**
 * Trickle ICE (RFC 8838): candidates wait until the server knows the description they belong to. A lost candidate is
 * no failure: the server is ICE-lite and learns the address from the first check.
 */
export class CandidateTrickle {
  readonly #send: (candidate: string) => Promise<unknown>;
  #waiting: string[] | null = [];

  constructor(send: (candidate: string) => Promise<unknown>) {
    this.#send = send;
  }

  add(event: RTCPeerConnectionIceEvent): void {
    const candidate = event.candidate?.candidate ?? '';
    if (this.#waiting !== null) this.#waiting.push(candidate);
    else this.#deliver(candidate);
  }

  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    waiting.forEach((candidate) => {
      this.#deliver(candidate);
    });
  }

  hold(): void {
    this.#waiting ??= [];
  }

  #deliver(candidate: string): void {
    this.#send(candidate).catch(() => undefined);
  }
}
