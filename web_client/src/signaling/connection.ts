import { io, type Socket } from 'socket.io-client';
import {
  WIRE_VERSION,
  type Acknowledgement,
  type ConnectionScope,
  type Handshake,
  type NotificationMap,
  type RequestMap,
  type WireError,
} from '@/protocol/messages';
import { Emitter } from './emitter';
import { OFFLINE, readWireError, RequestError, TIMEOUT } from './errors';

/** `online` begins with the server's welcome, not with the socket. */
export type ConnectionState = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'closed';

export interface ConnectionStatus {
  state: ConnectionState;
  /** Why it is closed for good, or why the last attempt failed. */
  reason: WireError | null;
  /** Of `online`: whether the server still knows this page's media connections. */
  resumed?: boolean;
}

export interface ConnectionOptions {
  /** Origin of the server. */
  url: string;
  token: () => string | Promise<string>;
  /** Whether to come back as fast as can be: somebody is in a call. All pages doing so would be a burden on a server that starts. */
  urgent?: () => boolean;
  /** What the page is for; a person has one connection of each. */
  scope?: ConnectionScope;
}

type ConnectionEvents = NotificationMap & { status: ConnectionStatus };

/** Refusals that trying again with the same token cannot mend. */
const FINAL_CODES = new Set([
  'version_unsupported',
  'token_missing',
  'token_invalid',
  'token_expired',
  'token_foreign',
  'signed_in_elsewhere',
  'not_allowed',
]);

const NOTIFICATIONS: readonly (keyof NotificationMap)[] = [
  'session.welcome',
  'session.closed',
  'interaction.changed',
  'member.changed',
  'message.posted',
  'assistance.changed',
  'call.changed',
  'recording.changed',
  'media.slot',
  'media.layers_wanted',
  'media.transport',
  'media.speakers',
  'read.changed',
  'typing.changed',
  'silence.changed',
  'transfer.changed',
  'invitation.changed',
  'invitation.rang',
  'invitation.ended',
  'confirmation.changed',
  'interaction.left',
  'queue.changed',
  'offer.rang',
  'offer.ended',
  'desk.changed',
  'waiting.changed',
  'agent.status',
  'supervise.changed',
  'meeting.changed',
  'meeting.member',
  'meeting.lobby',
  'meeting.unmute_asked',
  'meeting.notes_changed',
  'meeting.left',
  'mediation.changed',
  'centre.changed',
  'check.figures',
  'check.ended',
];

const REQUEST_TIMEOUT_MS = 10_000;
/** How often a request that waits may be told to wait (`rate_limited`) before it fails. */
const MAX_WAITS = 5;
const CONNECT_TIMEOUT_MS = 8_000;
const RETRY_MIN_MS = 800;
const RETRY_MAX_MS = 5_000;
const RETRY_URGENT_MS = 800;
/** Attempts that may be urgent: about a minute. */
const URGENT_ATTEMPTS = 75;

/** The signalling connection: requests with acknowledgements, notifications, and coming back by itself. */
export class SignalingConnection {
  readonly #options: ConnectionOptions;
  readonly #events = new Emitter<ConnectionEvents>();
  #socket: Socket | null = null;
  #status: ConnectionStatus = { state: 'idle', reason: null };
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #attempts = 0;
  /** Of this page only: it says that this page's media connections live on, which is not so after a reload. */
  #resumeToken: string | null = null;
  /** The machine knows before any timeout that its line is gone. */
  readonly #onNetworkGone = (): void => {
    this.#socket?.disconnect();
  };
  readonly #onNetworkBack = (): void => {
    if (this.#status.state === 'reconnecting') this.#connectNow();
  };

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  on<E extends keyof ConnectionEvents>(event: E, handler: (value: ConnectionEvents[E]) => void): () => void {
    return this.#events.on(event, handler);
  }

  /** Connects, and again after `closed` (【在此继续】). */
  open(): void {
    if (this.#socket !== null && this.#status.state !== 'closed') return;
    this.#dropSocket();
    this.#setStatus({ state: 'connecting', reason: null });
    // Own retries instead of the library's: after a refusal by the server the library gives up, and a refusal that
    // passes (server stopping, too many requests) must not end the session.
    const socket = io(this.#options.url, {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnection: false,
      forceNew: true,
      timeout: CONNECT_TIMEOUT_MS,
      auth: (callback) => {
        void this.#handshake().then(callback);
      },
    });
    this.#socket = socket;
    socket.on('connect_error', (error) => {
      this.#onRefused(readWireError((error as { data?: unknown }).data) ?? readWireError(error.message));
    });
    socket.on('disconnect', () => {
      if (this.#status.state !== 'closed') this.#retryLater(this.#status.reason);
    });
    for (const event of NOTIFICATIONS) {
      socket.on(event as string, (value: unknown) => {
        this.#onNotification(event, value as NotificationMap[typeof event]);
      });
    }
    window.addEventListener('online', this.#onNetworkBack);
    window.addEventListener('offline', this.#onNetworkGone);
  }

  /** The line looks open and carries nothing: another one now, not when the transport's own timeout has noticed. */
  renew(): void {
    if (this.#status.state !== 'online') return;
    this.#socket?.disconnect();
    this.#connectNow();
  }

  /** Leaves without telling anything; open interactions are closed by their own requests. */
  close(): void {
    this.#dropSocket();
    this.#setStatus({ state: 'closed', reason: null });
  }

  async request<E extends keyof RequestMap>(
    event: E,
    payload: RequestMap[E]['request'],
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<RequestMap[E]['response']> {
    for (let waits = 0; ; waits += 1) {
      const answer = await this.#ask(event, payload, timeoutMs);
      if (answer.ok) return answer.data;
      const waitMs = answer.error.code === 'rate_limited' ? answer.error.retry_after_ms : null;
      // Nobody pressed a button for these, or would do nothing else than press it again: they wait their turn.
      if (waitMs == null || waits >= MAX_WAITS || !(event.startsWith('media.') || event === 'message.send' || event === 'meeting.enter' || event === 'meeting.notes')) throw RequestError.fromWire(answer.error);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #ask<E extends keyof RequestMap>(
    event: E,
    payload: RequestMap[E]['request'],
    timeoutMs: number,
  ): Promise<Acknowledgement<RequestMap[E]['response']>> {
    // What is pressed while the page has only just been opened is not lost.
    if (this.#status.state === 'connecting') await this.#firstConnected(timeoutMs);
    const socket = this.#socket;
    if (socket === null || this.#status.state !== 'online') throw new RequestError(OFFLINE);
    try {
      return (await socket.timeout(timeoutMs).emitWithAck(event as string, payload)) as Acknowledgement<RequestMap[E]['response']>;
    } catch {
      throw new RequestError(socket.connected ? TIMEOUT : OFFLINE);
    }
  }

  /** Until the first connection is there, or has failed. */
  #firstConnected(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      const stop = this.#events.on('status', ({ state }) => {
        if (state !== 'connecting') done();
      });
    });
  }

  async #handshake(): Promise<Handshake> {
    return { version: WIRE_VERSION, token: await this.#options.token(), resume_token: this.#resumeToken, scope: this.#options.scope ?? 'service' };
  }

  #onNotification<E extends keyof NotificationMap>(event: E, value: NotificationMap[E]): void {
    if (event === 'session.welcome') {
      this.#attempts = 0;
      const { resume_token: resumeToken, resumed } = value as NotificationMap['session.welcome'];
      this.#resumeToken = resumeToken;
      this.#setStatus({ state: 'online', reason: null, resumed });
    } else if (event === 'session.closed') {
      const { reason } = value as NotificationMap['session.closed'];
      if (FINAL_CODES.has(reason.code)) this.#closeFor(reason);
      else this.#setStatus({ state: 'reconnecting', reason });
    }
    this.#events.emit(event, value as ConnectionEvents[E]);
  }

  #onRefused(reason: WireError | null): void {
    if (reason !== null && FINAL_CODES.has(reason.code)) this.#closeFor(reason);
    else this.#retryLater(reason);
  }

  #closeFor(reason: WireError): void {
    this.#resumeToken = null;
    this.#setStatus({ state: 'closed', reason });
    this.#dropSocket();
  }

  #retryLater(reason: WireError | null): void {
    if (this.#retryTimer !== null) return;
    this.#setStatus({ state: 'reconnecting', reason });
    this.#attempts += 1;
    const urgent = this.#attempts <= URGENT_ATTEMPTS && this.#options.urgent?.() === true;
    const backoff = Math.min(urgent ? RETRY_URGENT_MS : RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.#attempts - 1, 4));
    const delay = reason?.retry_after_ms ?? backoff * (0.7 + 0.6 * Math.random());
    this.#retryTimer = setTimeout(() => {
      this.#connectNow();
    }, delay);
  }

  #connectNow(): void {
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#socket?.connect();
  }

  #dropSocket(): void {
    window.removeEventListener('online', this.#onNetworkBack);
    window.removeEventListener('offline', this.#onNetworkGone);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#socket?.off();
    this.#socket?.disconnect();
    this.#socket = null;
  }

  #setStatus(status: ConnectionStatus): void {
    this.#status = status;
    this.#events.emit('status', status);
  }
}
