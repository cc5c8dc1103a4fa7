/**
 * One signed-in person in one page: the connection, what it knows, the media rooms, and everything one can do. Over 500 lines:
 * a line or three for each request of the wire, in the order of the protocol.
 */
import type { CloseCause, ConfirmationView, NotificationMap, RequestMap, SupervisionMode } from '@/protocol/messages';
import { AssistantApi } from '@/rest/assistant';
import { ServiceHttp } from '@/rest/http';
import { Records } from '@/rest/records';
import { VoiceApi } from '@/rest/voice';
import { uploadTransport, type UploadTransport } from '@/rest/uploads';
import { SignalingConnection, type ConnectionOptions } from '@/signaling/connection';
import { isLocalFailure, RequestError } from '@/signaling/errors';
import { countsRead, type Counts } from './counts';
import { installDebug, type Mark } from './debug';
import { Sequence } from './link';
import { isAssistanceLive, isCallLive } from './media_plan';
import { MediaRoom } from './media_room';
import type { Preferences } from './preferences';
import {
  addPending,
  dropInteraction,
  failPending,
  hasGap,
  INITIAL_STATE,
  markSeen,
  putConfirmation,
  putInteraction,
  putMessage,
  putMessages,
  putOverview,
  putRating,
  putWaiting,
  putWrappedUp,
  reduce,
  setTyping,
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
  | 'recording.start'
  | 'recording.stop'
  | 'transfer.cancel'
  | 'invitation.cancel'
  | 'invitation.accept'
  | 'invitation.decline'
  | 'invitation.leave';

/** Requests that change nothing here by their answer: the notification that follows does. */
type PassedOn =
  | 'agent.set_status'
  | 'queue.stay'
  | 'queue.pick'
  | 'offer.accept'
  | 'offer.decline'
  | 'transfer.targets'
  | 'transfer.offer'
  | 'invitation.targets'
  | 'invitation.agents'
  | 'invitation.offer'
  | 'confirmation.handlers'
  | 'interaction.profile';

type ConfirmationEvent =
  | 'confirmation.send'
  | 'confirmation.save'
  | 'confirmation.confirm'
  | 'confirmation.withdraw'
  | 'confirmation.review'
  | 'confirmation.get';

const REDUCED: readonly (keyof NotificationMap)[] = [
  'session.welcome',
  'interaction.changed',
  'member.changed',
  'message.posted',
  'assistance.changed',
  'call.changed',
  'recording.changed',
  'media.speakers',
  'read.changed',
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
  'centre.changed',
  'mediation.changed',
];

/** `crypto.randomUUID` is for secure pages only; text must also go from a plain one. */
function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const HISTORY_PAGE = 50;
const TYPING_EVERY_MS = 3_000;
/** As the wire says of `typing.changed`. */
const TYPING_LASTS_MS = 5_000;

export class ServiceClient {
  readonly state = new Store<SessionState>(INITIAL_STATE);
  readonly preferences: Preferences;
  readonly mark: Mark;
  readonly records: Records;
  readonly assistant: AssistantApi;
  readonly voice: VoiceApi;
  readonly uploads: UploadTransport;
  readonly #http: ServiceHttp;
  readonly #options: ClientOptions;
  readonly #connection: SignalingConnection;
  readonly #rooms = new Map<string, MediaRoom>();
  readonly #sending = new Map<string, Sequence>();
  readonly #typingSaidAt = new Map<string, number>();
  readonly #readSaid = new Map<string, number>();
  #supervises = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.preferences = options.preferences;
    this.mark = installDebug(() => [...this.#rooms.values()]);
    const http = new ServiceHttp(options.connection);
    this.#http = http;
    this.records = new Records(http);
    this.assistant = new AssistantApi(http);
    this.voice = new VoiceApi(http);
    this.uploads = uploadTransport(http);
    this.#connection = new SignalingConnection({ ...options.connection, urgent: () => this.#inCall() });
    this.#connection.on('status', (connection) => {
      this.state.update((state) => ({ ...state, connection }));
      const online = connection.state === 'online';
      for (const room of this.#rooms.values()) {
        // First, or what is owed since the line broke would be an ICE restart with a server that knows no connection.
        if (online && connection.resumed === false) room.onServerForgot();
        room.setOnline(online);
      }
      if (connection.state === 'closed') this.#closeRooms();
    });
    for (const event of REDUCED) {
      this.#connection.on(event, (value) => {
        this.#onNotification({ event, value } as SessionNotification);
      });
    }
    this.#connection.on('typing.changed', ({ interaction_id, person_id, typing }) => {
      const until = typing ? Date.now() + TYPING_LASTS_MS : null;
      this.state.update((state) => setTyping(state, interaction_id, person_id, until));
      if (typing) setTimeout(() => this.#forgetTyping(interaction_id, person_id), TYPING_LASTS_MS + 100);
    });
    this.#connection.on('media.slot', (change) => this.#rooms.get(change.interaction_id)?.onSlot(change));
    this.#connection.on('media.layers_wanted', (change) => this.#rooms.get(change.interaction_id)?.onLayersWanted(change));
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

  /** What is unread, for the beginning; from then on it is told. Nobody waits for it, and nobody is told when it fails. */
  async readInbox(): Promise<void> {
    const { told } = this.state.get().inbox;
    const path = this.state.get().me?.role === 'taxpayer' ? '/api/centre' : '/api/casework';
    try {
      const read = await this.#http.send<Counts>(path);
      this.state.update((state) => ({ ...state, inbox: countsRead(state.inbox, read, told) }));
    } catch {
      // The next thing that changes tells it.
    }
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

  /** Whether one may be recorded; may be changed while the recording runs. */
  async answerRecording(interactionId: string, given: boolean): Promise<void> {
    await this.#request('recording.consent', { interaction_id: interactionId, given });
  }

  /** 【同意】: the devices start beside the request. */
  async acceptCall(interactionId: string): Promise<void> {
    await this.#withDevices('call.accept', interactionId);
  }

  /** The agent starts the call; the devices start beside the request. */
  async startCall(interactionId: string): Promise<void> {
    await this.#withDevices('call.start', interactionId);
  }

  /** For what the answer alone says, or the notification that follows. */
  request<E extends PassedOn>(event: E, payload: RequestMap[E]['request']): Promise<RequestMap[E]['response']> {
    return this.#request(event, payload);
  }

  // Agents of other authorities

  /** 线下协同办: a conversation of two agents. */
  async openCollaboration(asked: RequestMap['collaboration.open']['request']): Promise<string> {
    const { interaction } = await this.#request('collaboration.open', asked);
    this.#update((state) => putInteraction(state, interaction));
    return interaction.interaction_id;
  }

  /** Whatever is done with a form answers the form as it is then. */
  async confirm<E extends ConfirmationEvent>(event: E, payload: RequestMap[E]['request']): Promise<ConfirmationView> {
    const { confirmation } = (await this.#request(event, payload)) as { confirmation: ConfirmationView };
    this.state.update((state) => putConfirmation(state, confirmation));
    return confirmation;
  }

  async listConfirmations(): Promise<void> {
    const { confirmations } = await this.#request('confirmation.list', {});
    this.state.update((state) => confirmations.reduce(putConfirmation, state));
  }

  // The queue

  async joinQueue(from: { page: string; business: string }): Promise<void> {
    const { ticket } = await this.#request('queue.join', { page: from.page || null, business: from.business || null });
    this.state.update((state) => ({ ...state, ticket }));
  }

  async cancelQueue(): Promise<void> {
    await this.#request('queue.cancel', {});
    this.state.update((state) => ({ ...state, ticket: null }));
  }

  async stayInQueue(): Promise<void> {
    await this.#request('queue.stay', {});
    this.state.update((state) => (state.ticket === null ? state : { ...state, ticket: { ...state.ticket, wait_notice: null } }));
  }

  // The conversation

  async closeInteraction(interactionId: string, cause: CloseCause = 'button'): Promise<void> {
    await this.#request('interaction.close', { interaction_id: interactionId, cause });
  }

  /** 【已解决】 or 【未解决】, once. Rated already elsewhere is as good. */
  async rate(interactionId: string, resolved: boolean): Promise<void> {
    try {
      await this.#request('interaction.rate', { interaction_id: interactionId, resolved });
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'already_rated') throw error;
    }
    this.state.update((state) => putRating(state, interactionId, { resolved, rated_at: Date.now() }));
  }

  async wrapUp(interactionId: string, code: string, note: string): Promise<void> {
    await this.#request('interaction.wrap_up', { interaction_id: interactionId, code, note });
    this.state.update((state) => putWrappedUp(state, interactionId));
  }

  /** The page of lines before what is here; false when there is nothing earlier. */
  async loadEarlier(interactionId: string): Promise<boolean> {
    const view = this.state.get().interactions.get(interactionId)?.view;
    const first = view?.messages[0]?.seq ?? 1;
    if (first <= (view?.history_from ?? 1)) return false;
    const { messages } = await this.#request('message.list', {
      interaction_id: interactionId,
      before_seq: first,
      limit: HISTORY_PAGE,
    });
    this.state.update((state) => putMessages(state, interactionId, messages));
    return true;
  }

  /** Called with every key; says so every few seconds. Nobody waits for it, and a lost one does no harm. */
  typing(interactionId: string): void {
    const now = Date.now();
    if (now - (this.#typingSaidAt.get(interactionId) ?? 0) < TYPING_EVERY_MS) return;
    this.#typingSaidAt.set(interactionId, now);
    this.#request('message.typing', { interaction_id: interactionId, typing: true }).catch(() => undefined);
  }

  // The desk

  async signIn(): Promise<void> {
    const { desk, waiting } = await this.#request('agent.sign_in', { status: 'free' });
    this.state.update((state) => putWaiting({ ...state, desk }, waiting));
  }

  async signOut(): Promise<void> {
    await this.#request('agent.sign_out', {});
  }

  async supervise(): Promise<void> {
    this.#supervises = true;
    const { centres } = await this.#request('supervise.list', {});
    this.state.update((state) => putOverview({ ...state, overview: new Map() }, centres));
  }

  async joinSupervised(interactionId: string, mode: SupervisionMode): Promise<void> {
    const capture = mode === 'listen' ? null : this.room(interactionId).devices.capture({ camera: false });
    const { interaction } = await this.#request('supervise.join', { interaction_id: interactionId, mode });
    this.#update((state) => putInteraction(state, interaction));
    await capture;
  }

  async leaveSupervised(interactionId: string): Promise<void> {
    await this.#request('supervise.leave', { interaction_id: interactionId });
    this.#update((state) => dropInteraction(state, interactionId));
  }

  async sendMessage(interactionId: string, text: string, clientMessageId = newMessageId()): Promise<void> {
    await this.#send(interactionId, text, clientMessageId);
  }

  /** A file that was uploaded for this interaction. */
  async sendFile(interactionId: string, fileId: string, name: string): Promise<void> {
    await this.#send(interactionId, name, newMessageId(), fileId);
  }

  async resend(interactionId: string, clientMessageId: string): Promise<void> {
    const pending = this.state.get().interactions.get(interactionId)?.pending ?? [];
    const message = pending.find((one) => one.clientMessageId === clientMessageId);
    if (message !== undefined) await this.#send(interactionId, message.text, clientMessageId, message.fileId);
  }

  async #send(interactionId: string, text: string, clientMessageId: string, fileId?: string): Promise<void> {
    this.#typingSaidAt.delete(interactionId);
    this.state.update((state) =>
      addPending(state, interactionId, { clientMessageId, text, fileId, createdAt: Date.now(), failed: false }),
    );
    // One after another: what was written first arrives first, also what waits for the line to come back.
    const line = this.#sending.get(interactionId) ?? new Sequence();
    this.#sending.set(interactionId, line);
    try {
      const { message } = await line.run(() =>
        this.#request('message.send', {
          interaction_id: interactionId,
          client_message_id: clientMessageId,
          ...(fileId === undefined ? { text } : { file_id: fileId }),
        }),
      );
      this.state.update((state) => putMessage(state, interactionId, message));
    } catch (error) {
      this.state.update((state) => failPending(state, interactionId, clientMessageId));
      // Not reached: the line itself says so, and it goes out by itself when the connection is back.
      if (!isLocalFailure(error)) throw error;
    }
  }

  markSeen(interactionId: string): void {
    this.state.update((state) => markSeen(state, interactionId));
    const seq = this.state.get().interactions.get(interactionId)?.seenSeq ?? 0;
    if (seq <= (this.#readSaid.get(interactionId) ?? 0)) return;
    this.#readSaid.set(interactionId, seq);
    this.#request('message.read', { interaction_id: interactionId, seq }).catch(() => this.#readSaid.delete(interactionId));
  }

  #forgetTyping(interactionId: string, personId: string): void {
    const until = this.state.get().interactions.get(interactionId)?.typing.get(personId);
    if (until !== undefined && until <= Date.now()) {
      this.state.update((state) => setTyping(state, interactionId, personId, null));
    }
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
    if (notification.event === 'session.welcome') {
      this.#resendPending();
      // A supervisor's subscription ends with the connection.
      if (this.#supervises) this.supervise().catch(() => undefined);
    }
  }

  /** Whoever is seen or heard should be again at once. */
  #inCall(): boolean {
    return [...this.state.get().interactions.values()].some(
      ({ view }) => view.phase === 'open' && (isAssistanceLive(view.assistance.phase) || isCallLive(view.call.phase)),
    );
  }

  /** What was written while the line was down goes out by itself; the server knows it by its id and adds it once. */
  #resendPending(): void {
    for (const [interactionId, { view, pending }] of this.state.get().interactions) {
      if (view.phase === 'closed') continue;
      for (const { text, clientMessageId, fileId } of pending) {
        this.#send(interactionId, text, clientMessageId, fileId).catch(() => undefined);
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
    for (const [interactionId, room] of this.#rooms) {
      if (interactions.has(interactionId)) continue;
      room.close();
      this.#rooms.delete(interactionId);
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
      sends: (publisherId) =>
        this.state
          .get()
          .interactions.get(interactionId)
          ?.view.members.find((one) => one.person_id === publisherId)
          ?.media.some((one) => one.source === 'camera' && !one.muted) === true,
      onNoAnswer: () => this.#connection.renew(),
    });
    room.setOnline(this.#connection.status.state === 'online');
    return room;
  }

  #closeRooms(): void {
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }
}
