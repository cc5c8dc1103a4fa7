/** One signed-in person in one page: the connection, what it knows, the media rooms, and everything one can do. */
import type { NotificationMap, RequestMap } from '@/protocol/messages';
import { SignalingConnection, type ConnectionOptions } from '@/signaling/connection';
import { isLocalFailure, RequestError } from '@/signaling/errors';
import { installDebug, type Mark } from './debug';
import { MediaRoom } from './media_room';
import type { Preferences } from './preferences';
import {
  addPending,
  failPending,
  hasGap,
  INITIAL_STATE,
  markSeen,
  putInteraction,
  putMessage,
  reduce,
  type SessionNotification,
  type SessionState,
} from './state';
import { Store } from './store';

export interface ClientOptions {
  readonly connection: ConnectionOptions;
  readonly preferences: Preferences;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
}

type PlainAction =
  | 'assistance.request'
  | 'assistance.accept'
  | 'assistance.decline'
  | 'assistance.pause'
  | 'assistance.resume'
  | 'assistance.hang_up'
  | 'call.ask'
  | 'call.decline'
  | 'call.hang_up'
  | 'interaction.close';

const REDUCED: readonly (keyof NotificationMap)[] = [
  'session.welcome',
  'interaction.changed',
  'member.changed',
  'message.posted',
  'assistance.changed',
  'call.changed',
  'media.speakers',
];

/** `crypto.randomUUID` is for secure pages only; text must also go from a plain one. */
function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class ServiceClient {
  readonly state = new Store<SessionState>(INITIAL_STATE);
  readonly preferences: Preferences;
  readonly mark: Mark;
  readonly #options: ClientOptions;
  readonly #connection: SignalingConnection;
  readonly #rooms = new Map<string, MediaRoom>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.preferences = options.preferences;
    this.mark = installDebug(() => [...this.#rooms.values()]);
    this.#connection = new SignalingConnection(options.connection);
    this.#connection.on('status', (connection) => {
      this.state.update((state) => ({ ...state, connection }));
      for (const room of this.#rooms.values()) room.setOnline(connection.state === 'online');
      if (connection.state === 'closed') this.#closeRooms();
    });
    for (const event of REDUCED) {
      this.#connection.on(event, (value) => {
        this.#onNotification({ event, value } as SessionNotification);
      });
    }
    this.#connection.on('media.slot', (change) => this.#rooms.get(change.interaction_id)?.onSlot(change));
    this.#connection.on('media.transport', (change) => this.#rooms.get(change.interaction_id)?.onTransport(change));
  }

  open(): void {
    this.#connection.open();
  }

  close(): void {
    this.#closeRooms();
    this.#connection.close();
  }

  room(interactionId: string): MediaRoom {
    const room = this.#rooms.get(interactionId) ?? this.#createRoom(interactionId);
    this.#rooms.set(interactionId, room);
    return room;
  }

  async listAgents(): Promise<void> {
    const { agents } = await this.#request('agent.list', {});
    this.state.update((state) => ({ ...state, agents }));
  }

  async openInteraction(agentId: string): Promise<string> {
    const { interaction } = await this.#request('interaction.open', { agent_id: agentId });
    this.#update((state) => putInteraction(state, interaction));
    return interaction.interaction_id;
  }

  /** Requests that say only what the person pressed; the notification that follows changes the state. */
  async act(action: PlainAction, interactionId: string): Promise<void> {
    this.mark(action);
    await this.#request(action, { interaction_id: interactionId });
  }

  /** 【同意】: the devices start beside the request. */
  async acceptCall(interactionId: string): Promise<void> {
    await this.#withDevices('call.accept', interactionId);
  }

  /** The agent starts the call; the devices start beside the request. */
  async startCall(interactionId: string): Promise<void> {
    await this.#withDevices('call.start', interactionId);
  }

  async sendMessage(interactionId: string, text: string, clientMessageId = newMessageId()): Promise<void> {
    this.state.update((state) =>
      addPending(state, interactionId, { clientMessageId, text, createdAt: Date.now(), failed: false }),
    );
    try {
      const { message } = await this.#request('message.send', {
        interaction_id: interactionId,
        client_message_id: clientMessageId,
        text,
      });
      this.state.update((state) => putMessage(state, interactionId, message));
    } catch (error) {
      this.state.update((state) => failPending(state, interactionId, clientMessageId));
      // Not reached: the line itself says so, and it goes out by itself when the connection is back.
      if (!isLocalFailure(error)) throw error;
    }
  }

  markSeen(interactionId: string): void {
    this.state.update((state) => markSeen(state, interactionId));
  }

  async #withDevices(action: 'call.accept' | 'call.start', interactionId: string): Promise<void> {
    this.mark(action);
    const { devices } = this.room(interactionId);
    const capture = devices.capture();
    try {
      await this.#request(action, { interaction_id: interactionId });
    } catch (error) {
      devices.release();
      throw error;
    }
    await capture;
  }

  #request<E extends keyof RequestMap>(event: E, payload: RequestMap[E]['request']): Promise<RequestMap[E]['response']> {
    return this.#connection.request(event, payload);
  }

  #onNotification(notification: SessionNotification): void {
    if (notification.event === 'message.posted') {
      const { interaction_id, message } = notification.value;
      const known = this.state.get().interactions.get(interaction_id);
      if (known === undefined || hasGap(known.view, message)) this.#resynchronise(interaction_id);
    }
    this.#update((state) => reduce(state, notification));
    if (notification.event === 'session.welcome') this.#resendPending();
  }

  /** What was written while the line was down goes out by itself; the server knows it by its id and adds it once. */
  #resendPending(): void {
    for (const [interactionId, { view, pending }] of this.state.get().interactions) {
      if (view.phase === 'closed') continue;
      for (const { text, clientMessageId } of pending) {
        this.sendMessage(interactionId, text, clientMessageId).catch(() => undefined);
      }
    }
  }

  #resynchronise(interactionId: string): void {
    this.#request('interaction.get', { interaction_id: interactionId }).then(
      ({ interaction }) => {
        this.#update((state) => putInteraction(state, interaction));
      },
      (error: unknown) => {
        if (!(error instanceof RequestError)) throw error;
      },
    );
  }

  /** Changes what is known, then lets every media room follow. */
  #update(change: (state: SessionState) => SessionState): void {
    this.state.update(change);
    const { me, interactions } = this.state.get();
    if (me === null) return;
    for (const [interactionId, { view }] of interactions) {
      if (view.phase === 'closed') {
        this.#rooms.get(interactionId)?.close();
      } else {
        this.room(interactionId).apply(me, view);
      }
    }
  }

  #createRoom(interactionId: string): MediaRoom {
    const room = new MediaRoom({
      interactionId,
      signaling: { request: (event, payload) => this.#request(event, payload) },
      iceServers: () => this.state.get().iceServers,
      iceTransportPolicy: this.#options.iceTransportPolicy,
      preferences: this.preferences,
      mark: this.mark,
    });
    room.setOnline(this.#connection.status.state === 'online');
    return room;
  }

  #closeRooms(): void {
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }
}
