/** The page of one meeting: the connection, what it knows, its media, its notes, and everything one can do there. */
import type { MeetingMemberView, MeetingRole, NotificationMap, RequestMap, Source } from '@/protocol/messages';
import { SignalingConnection, type ConnectionOptions } from '@/signaling/connection';
import { isLocalFailure, RequestError } from '@/signaling/errors';
import { installDebug, type Mark } from './debug';
import type { DeviceKind } from './devices';
import { MediaRoom } from './media_room';
import { NotesDocument, type NotesListener } from './meeting_notes';
import { planMeeting } from './meeting_plan';
import {
  hasChatGap,
  INITIAL_MEETING_STATE,
  isHost,
  ownMember,
  putEntered,
  putPending,
  putText,
  reduceMeeting,
  type MeetingNotification,
  type MeetingState,
} from './meeting_state';
import type { Preferences } from './preferences';
import { Store } from './store';

export interface MeetingClientOptions {
  readonly meetingId: string;
  readonly connection: Omit<ConnectionOptions, 'scope'>;
  readonly preferences: Preferences;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
}

const REDUCED: readonly (keyof NotificationMap)[] = [
  'session.welcome',
  'meeting.changed',
  'meeting.member',
  'meeting.lobby',
  'meeting.unmute_asked',
  'meeting.left',
  'message.posted',
  'recording.changed',
  'media.speakers',
];
const HISTORY_PAGE = 50;

function newMessageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class MeetingClient {
  readonly meetingId: string;
  readonly state = new Store<MeetingState>(INITIAL_MEETING_STATE);
  readonly preferences: Preferences;
  readonly room: MediaRoom;
  readonly mark: Mark;
  readonly #connection: SignalingConnection;
  /** One has pressed 【加入会议】: after every gap one enters again. */
  #wants = false;
  #notes: NotesDocument | null = null;
  #mediaEpoch: number | null = null;

  constructor(options: MeetingClientOptions) {
    this.meetingId = options.meetingId;
    this.preferences = options.preferences;
    this.mark = installDebug(() => [this.room]);
    this.#connection = new SignalingConnection({ ...options.connection, scope: 'meeting' });
    this.room = new MediaRoom({
      interactionId: options.meetingId,
      signaling: { request: (event, payload) => this.#connection.request(event, payload) },
      iceServers: () => this.state.get().iceServers,
      iceTransportPolicy: options.iceTransportPolicy,
      preferences: options.preferences,
      mark: this.mark,
      problems: {
        // A picker that was closed, or a share stopped with the browser's own button: the screen is free for others.
        screen: () => this.stopShare(),
        // Who sends nothing is seen to send nothing.
        microphone: () => Promise.resolve(),
      },
      sends: (publisherId) => {
        const member = this.state.get().meeting?.members.find((one) => one.person_id === publisherId);
        return member?.media.some((one) => one.source === 'camera') === true && !member.muted.includes('camera');
      },
      onNoAnswer: () => this.#connection.renew(),
    });
    this.#connection.on('status', (connection) => {
      this.state.update((state) => ({ ...state, connection }));
      this.room.setOnline(connection.state === 'online');
    });
    for (const event of REDUCED) {
      this.#connection.on(event, (value) => this.#onNotification({ event, value } as MeetingNotification));
    }
    this.#connection.on('media.slot', (change) => this.room.onSlot(change));
    this.#connection.on('media.layers_wanted', (change) => this.room.onLayersWanted(change));
    this.#connection.on('media.transport', (change) => this.room.onTransport(change));
    this.#connection.on('meeting.notes_changed', ({ update }) => this.#notes?.takeIn(update));
  }

  open(): void {
    this.#connection.open();
  }

  close(): void {
    this.#notes?.close();
    this.room.close();
    this.#connection.close();
  }

  /** 【加入会议】, into the room or the lobby. */
  async enter(): Promise<void> {
    await this.#enter();
    this.#wants = true;
  }

  async leave(): Promise<void> {
    this.#wants = false;
    await this.#notes?.flush();
    await this.#ask('meeting.leave', {});
    this.#update((state) => ({ ...state, left: 'self' }));
  }

  async end(): Promise<void> {
    await this.#notes?.flush();
    await this.#ask('meeting.end', {});
  }

  // Microphone, camera, screen

  async setMuted(muted: boolean): Promise<void> {
    await this.#set('microphone', muted, () => this.room.devices.setMuted(muted));
  }

  async setCameraOff(off: boolean): Promise<void> {
    await this.#set('camera', off, () => this.room.devices.setCameraOff(off));
  }

  /** Called from a click: the browser's picker opens right after the server has said yes. */
  async share(takeOver: boolean): Promise<void> {
    await this.#ask('meeting.share', { take_over: takeOver });
    await this.room.screen.share();
  }

  async stopShare(): Promise<void> {
    await this.#ask('meeting.stop_share', {});
  }

  // The host

  admit(personId: string | null, meetingRole: MeetingRole = 'participant'): Promise<unknown> {
    return this.#ask('meeting.admit', { person_id: personId, meeting_role: meetingRole });
  }

  refuse(personId: string): Promise<unknown> {
    return this.#ask('meeting.refuse', { person_id: personId });
  }

  remove(personId: string): Promise<unknown> {
    return this.#ask('meeting.remove', { person_id: personId });
  }

  lock(locked: boolean): Promise<unknown> {
    return this.#ask('meeting.lock', { locked });
  }

  setRole(personId: string, meetingRole: MeetingRole): Promise<unknown> {
    return this.#ask('meeting.set_role', { person_id: personId, meeting_role: meetingRole });
  }

  handOver(personId: string): Promise<unknown> {
    return this.#ask('meeting.hand_over', { person_id: personId });
  }

  mute(personId: string | null, source: Source, hold: boolean): Promise<unknown> {
    return this.#ask('meeting.mute', { person_id: personId, source, hold });
  }

  askUnmute(personId: string | null, source: Source): Promise<unknown> {
    return this.#ask('meeting.ask_unmute', { person_id: personId, source });
  }

  /** The host begins or stops; everybody who may be heard is asked. */
  async record(running: boolean): Promise<void> {
    await this.#connection.request(running ? 'recording.start' : 'recording.stop', { interaction_id: this.meetingId });
  }

  /** Whether one may be recorded oneself; may be changed while it runs. */
  async answerRecording(given: boolean): Promise<void> {
    await this.#connection.request('recording.consent', { interaction_id: this.meetingId, given });
  }

  hand(raised: boolean, personId: string | null = null): Promise<unknown> {
    return this.#ask('meeting.hand', { raised, person_id: personId });
  }

  /** The question of the host was answered. */
  answered(): void {
    this.state.update((state) => ({ ...state, unmuteAsked: null }));
  }

  // Chat and notes

  async say(text: string, clientMessageId = newMessageId()): Promise<void> {
    const one = { clientMessageId, text };
    this.state.update((state) => putPending(state, { ...one, failed: false }));
    try {
      const sent = await this.#connection.request('message.send', {
        interaction_id: this.meetingId,
        client_message_id: clientMessageId,
        text,
      });
      this.state.update((state) => putText(state, sent.message));
    } catch (error) {
      this.state.update((state) => putPending(state, { ...one, failed: true }));
      if (!isLocalFailure(error)) throw error;
    }
  }

  async loadEarlier(): Promise<void> {
    const first = this.state.get().messages[0]?.seq ?? 1;
    if (first > 1) await this.#load({ before_seq: first });
  }

  notes(listener: NotesListener): NotesDocument {
    this.#notes?.close();
    this.#notes = new NotesDocument(
      {
        get: (vector) => this.#ask('meeting.notes', { vector }),
        edit: (update) => this.#ask('meeting.edit_notes', { update }),
      },
      listener,
    );
    this.#notes.synchronise().catch(() => undefined);
    return this.#notes;
  }

  // Inside

  async #set(kind: DeviceKind, off: boolean, change: () => Promise<void>): Promise<void> {
    if (!off && ownMember(this.state.get())?.held.includes(kind) === true) {
      throw new RequestError('muted_by_host', kind === 'camera' ? '主持人已关闭您的摄像头，请举手示意，由主持人邀请后再打开。' : '主持人已将您静音，请举手示意，由主持人邀请您发言。');
    }
    try {
      await change();
    } catch (error) {
      if (!off) this.room.devices.obey(kind);
      throw error;
    }
  }

  async #enter(): Promise<void> {
    const before = this.#mediaEpoch;
    const { meeting, me } = this.state.get();
    const shared = meeting !== null && meeting.sharer_id === me?.person_id && this.room.state.get().screen !== null;
    let entered = await this.#ask('meeting.enter', {});
    if (shared && entered.meeting.sharer_id === null && entered.media_epoch !== before) {
      // The server was started again and the page still captures: before the plan without a screen lets it go.
      entered = await this.#ask('meeting.share', { take_over: false }).then(
        () => this.#ask('meeting.enter', {}),
        () => entered,
      );
    }
    this.#mediaEpoch = entered.media_epoch;
    this.#update((state) => putEntered(state, entered));
    if (entered.media_epoch !== null && entered.media_epoch !== before) {
      if (before !== null) this.room.onServerForgot();
      this.#tellDevices();
    }
    const missed = entered.messages[0]?.seq ?? 1;
    const last = this.state.get().messages.filter((one) => one.seq < missed).at(-1)?.seq;
    if (last !== undefined && last < missed - 1) await this.#load({ after_seq: last });
    this.#notes?.synchronise().catch(() => undefined);
  }

  /** What is off here is off there, and what the host holds stays off. */
  #tellDevices(): void {
    const own = ownMember(this.state.get());
    const media = this.room.state.get();
    if (own === null || own.meeting_role === 'observer') return;
    for (const [kind, off] of [
      ['microphone', media.microphoneMuted],
      ['camera', media.cameraOff],
    ] as const) {
      if (own.held.includes(kind)) this.room.devices.obey(kind);
      else if (own.muted.includes(kind) !== off) {
        this.#connection
          .request('media.mute', { interaction_id: this.meetingId, source: kind, muted: off })
          .catch(() => this.room.devices.obey(kind));
      }
    }
  }

  async #load(range: { before_seq: number } | { after_seq: number }): Promise<void> {
    const { messages } = await this.#connection.request('message.list', {
      interaction_id: this.meetingId,
      limit: HISTORY_PAGE,
      ...range,
    });
    this.state.update((state) => messages.reduce(putText, state));
  }

  #ask<E extends Extract<keyof RequestMap, `meeting.${string}`>>(
    event: E,
    payload: Omit<RequestMap[E]['request'], 'meeting_id'>,
  ): Promise<RequestMap[E]['response']> {
    this.mark(event);
    return this.#connection.request(event, { ...payload, meeting_id: this.meetingId } as RequestMap[E]['request']);
  }

  #onNotification(notification: MeetingNotification): void {
    const before = this.state.get();
    const gap = notification.event === 'message.posted' && hasChatGap(before, notification.value.message);
    const admitted = notification.event === 'meeting.changed' && before.meeting?.place === 'lobby' && notification.value.meeting.place === 'room';
    this.#update((state) => reduceMeeting(state, notification));
    if (notification.event === 'session.welcome') this.#comeBack();
    if (gap || admitted) this.#enter().catch(() => undefined);
  }

  #comeBack(): void {
    if (!this.#wants) return;
    this.#enter().then(
      () => {
        for (const { text, clientMessageId } of this.state.get().pending) this.say(text, clientMessageId).catch(() => undefined);
      },
      (error: unknown) => {
        if (error instanceof RequestError && error.code === 'meeting_ended') this.#update((state) => ({ ...state, left: 'ended' }));
        else if (error instanceof RequestError && error.code === 'meeting_removed') this.#update((state) => ({ ...state, left: 'removed' }));
      },
    );
  }

  /** Changes what is known, then lets the media follow. */
  #update(change: (state: MeetingState) => MeetingState): void {
    const before = ownMember(this.state.get());
    this.state.update(change);
    const state = this.state.get();
    if (state.left !== null) this.#wants = false;
    const own = ownMember(state);
    if (before !== null && own !== null) this.#obey(before, own);
    const plan = planMeeting(state.left === null ? state.meeting : null, state.me?.person_id ?? '');
    // What is off here was chosen on this page: `#tellDevices` says so to the server, not the other way round.
    this.room.follow(plan, []);
  }

  /** The host has just muted one: nobody should believe they are heard. */
  #obey(before: MeetingMemberView, own: MeetingMemberView): void {
    const media = this.room.state.get();
    const newly = (kind: DeviceKind): boolean => own.muted.includes(kind) && !before.muted.includes(kind);
    if (newly('microphone') && !media.microphoneMuted) this.room.devices.obey('microphone');
    if (newly('camera') && !media.cameraOff) this.room.devices.obey('camera');
  }

  get hosts(): boolean {
    return isHost(this.state.get());
  }
}
