/** Brings one peer connection back: an ICE restart first (RFC 8445 §2.4), then a new connection, again and again. */

export type RecoveryState = 'off' | 'connecting' | 'connected' | 'recovering';

export interface RecoveryActions {
  restartIce(): Promise<void>;
  rebuild(): Promise<void>;
  onState(state: RecoveryState): void;
}

export interface RecoveryTimes {
  /** `disconnected` often heals by itself within a second or two. */
  readonly disconnectedMs: number;
  readonly restartMs: number;
  readonly rebuildMs: number;
  /** First connect, including DTLS. */
  readonly connectMs: number;
}

export const RECOVERY_TIMES: RecoveryTimes = { disconnectedMs: 1_500, restartMs: 5_000, rebuildMs: 8_000, connectMs: 8_000 };

type Step = 'restart' | 'rebuild';

export class LinkRecovery {
  readonly #actions: RecoveryActions;
  readonly #times: RecoveryTimes;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #state: RecoveryState = 'off';
  #online = true;
  #step: Step | null = null;
  /** A step that waits for the signalling connection. */
  #owed: Step | null = null;
  #running = false;
  /** Nothing has come for a while, although the browser still says `connected`. */
  #silent = false;

  constructor(actions: RecoveryActions, times: RecoveryTimes = RECOVERY_TIMES) {
    this.#actions = actions;
    this.#times = times;
  }

  get state(): RecoveryState {
    return this.#state;
  }

  /** RTCPeerConnection.connectionState; null when the connection was closed on purpose or replaced. */
  onConnectionState(state: RTCPeerConnectionState | null): void {
    if (state === null || state === 'closed') {
      // While a rebuild runs, the old connection's end is part of it.
      if (!this.#running) this.stop();
      return;
    }
    switch (state) {
      case 'new':
      case 'connecting':
        if (this.#state === 'off') {
          this.#setState('connecting');
          this.#after(this.#times.connectMs, 'rebuild');
        }
        break;
      case 'connected':
        this.#onConnected();
        break;
      case 'disconnected':
        this.#silent = false; // from here on the browser says when it is back
        if (this.#step === null) this.#after(this.#times.disconnectedMs, 'restart');
        this.#setState('recovering');
        break;
      case 'failed':
        this.#setState('recovering');
        // A restart that failed has shown that this connection will not come back.
        this.#begin(this.#step === null ? 'restart' : 'rebuild');
        break;
    }
  }

  /** The server sees this transport as failed, whatever the browser thinks. */
  onServerFailed(): void {
    if (this.#state === 'off' || this.#step !== null) return;
    this.#setState('recovering');
    this.#begin('restart');
  }

  /** Nothing comes any more: do not wait for ICE, which takes some seconds longer to say so. */
  onSilent(): void {
    if (this.#state !== 'connected' || this.#step !== null) return;
    this.#silent = true;
    this.#setState('recovering');
    this.#begin('restart');
  }

  /** Something has come. Where the browser never saw a loss it does not say `connected` again. */
  onHeard(): void {
    if (this.#silent && this.#state === 'recovering') this.#onConnected();
  }

  /** The server knows nothing of this connection any more (it was started again): an ICE restart would be refused. */
  onServerForgot(): void {
    if (this.#state === 'off') return;
    this.#setState('recovering');
    this.#begin('rebuild');
  }

  /** The machine's network changed or came back: do not wait for a timeout to notice. */
  onNetworkChanged(): void {
    if (this.#state !== 'connected' && this.#state !== 'recovering') return;
    if (this.#step === null || this.#owed !== null) this.#begin(this.#owed ?? 'restart');
  }

  /** Whether requests can be sent. */
  setOnline(online: boolean): void {
    this.#online = online;
    if (online && this.#owed !== null) this.#begin(this.#owed);
  }

  stop(): void {
    this.#clearTimer();
    this.#step = null;
    this.#owed = null;
    this.#setState('off');
  }

  #onConnected(): void {
    this.#clearTimer();
    this.#step = null;
    this.#owed = null;
    this.#silent = false;
    this.#setState('connected');
  }

  #begin(step: Step): void {
    this.#clearTimer();
    if (this.#running) {
      this.#owed = step;
      return;
    }
    this.#step = step;
    if (!this.#online) {
      this.#owed = step;
      return;
    }
    this.#owed = null;
    void this.#run(step);
  }

  async #run(step: Step): Promise<void> {
    this.#running = true;
    let done = true;
    try {
      await (step === 'restart' ? this.#actions.restartIce() : this.#actions.rebuild());
    } catch {
      done = false;
      // Lost on the way: it is said again when the line is back.
      if (!this.#online) this.#owed ??= step;
    }
    this.#running = false;
    if (this.#state === 'connected' || this.#state === 'off') {
      this.#step = null;
      return;
    }
    if (this.#owed !== null) {
      this.#begin(this.#owed);
      return;
    }
    const wait = step === 'restart' ? this.#times.restartMs : this.#times.rebuildMs;
    // A refused restart will be refused again: the next step is a new connection, soon.
    this.#after(done ? wait : Math.min(1_000, wait), 'rebuild');
  }

  #after(milliseconds: number, step: Step): void {
    this.#clearTimer();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#state === 'connecting') this.#setState('recovering');
      this.#begin(step);
    }, milliseconds);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #setState(state: RecoveryState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#actions.onState(state);
  }
}
