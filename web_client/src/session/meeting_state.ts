/** What the page of a meeting knows, as plain values, and how each notification changes it. Pure. */
import type {
  Entered,
  IceServerView,
  MeetingLeft,
  MeetingMemberView,
  MeetingView,
  MeetingWaitingView,
  MessageView,
  NotificationMap,
  PersonView,
  Source,
} from '@/protocol/messages';
import type { ConnectionStatus } from '@/signaling/connection';

export interface PendingText {
  readonly clientMessageId: string;
  readonly text: string;
  readonly failed: boolean;
}

export interface MeetingState {
  readonly connection: ConnectionStatus;
  readonly me: PersonView | null;
  readonly iceServers: readonly IceServerView[];
  /** Null until one has entered. */
  readonly meeting: MeetingView | null;
  readonly waiting: readonly MeetingWaitingView[];
  readonly messages: readonly MessageView[];
  readonly pending: readonly PendingText[];
  /** Loudest first. */
  readonly speakers: readonly string[];
  /** Who spoke last, other than oneself: stays before the eyes in a pause. */
  readonly lastSpeaker: string | null;
  /** The host has asked one to turn this on. */
  readonly unmuteAsked: Source | null;
  readonly left: MeetingLeft | 'self' | null;
}

export const INITIAL_MEETING_STATE: MeetingState = {
  connection: { state: 'idle', reason: null },
  me: null,
  iceServers: [],
  meeting: null,
  waiting: [],
  messages: [],
  pending: [],
  speakers: [],
  lastSpeaker: null,
  unmuteAsked: null,
  left: null,
};

export const ownMember = (state: MeetingState): MeetingMemberView | null =>
  state.meeting?.members.find((one) => one.person_id === state.me?.person_id) ?? null;

export const isHost = (state: MeetingState): boolean => state.meeting !== null && state.meeting.host_id === state.me?.person_id;

function joined(earlier: readonly MessageView[], later: readonly MessageView[]): MessageView[] {
  const bySeq = new Map(earlier.map((message) => [message.seq, message]));
  for (const message of later) bySeq.set(message.seq, message);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

const confirmed = (pending: readonly PendingText[], messages: readonly MessageView[]): readonly PendingText[] => {
  const known = new Set(messages.map((message) => message.client_message_id));
  return pending.filter((one) => !known.has(one.clientMessageId));
};

/** The answer of `meeting.enter` is the truth. */
export function putEntered(state: MeetingState, entered: Entered): MeetingState {
  const messages = joined(state.messages, entered.messages);
  return {
    ...state,
    meeting: entered.meeting,
    waiting: entered.waiting,
    messages,
    pending: confirmed(state.pending, messages),
    left: null,
  };
}

export function putText(state: MeetingState, message: MessageView): MeetingState {
  const messages = joined(state.messages, [message]);
  return { ...state, messages, pending: confirmed(state.pending, messages) };
}

export const putPending = (state: MeetingState, one: PendingText): MeetingState => ({
  ...state,
  pending: [...state.pending.filter((other) => other.clientMessageId !== one.clientMessageId), one],
});

/** A line was missed when the next one is not the one after the last known. */
export const hasChatGap = (state: MeetingState, message: MessageView): boolean =>
  message.seq > (state.messages.at(-1)?.seq ?? 0) + 1;

function putMember(view: MeetingView, member: MeetingMemberView): MeetingView {
  const others = view.members.filter((one) => one.person_id !== member.person_id);
  if (member.presence === 'left') return { ...view, members: others };
  const at = view.members.findIndex((one) => one.person_id === member.person_id);
  const members = at < 0 ? [...others, member] : view.members.map((one) => (one.person_id === member.person_id ? member : one));
  return { ...view, members };
}

export type MeetingNotification = {
  [E in keyof NotificationMap]: { readonly event: E; readonly value: NotificationMap[E] };
}[keyof NotificationMap];

export function reduceMeeting(state: MeetingState, { event, value }: MeetingNotification): MeetingState {
  switch (event) {
    case 'session.welcome':
      return { ...state, me: value.person, iceServers: value.ice_servers };
    case 'meeting.changed':
      return { ...state, meeting: value.meeting, waiting: value.meeting.host_id === state.me?.person_id ? state.waiting : [] };
    case 'meeting.member':
      return state.meeting === null ? state : { ...state, meeting: putMember(state.meeting, value.member) };
    case 'recording.changed':
      return state.meeting === null ? state : { ...state, meeting: { ...state.meeting, recording: value.recording } };
    case 'meeting.lobby':
      return { ...state, waiting: value.waiting };
    case 'meeting.unmute_asked':
      return { ...state, unmuteAsked: value.source };
    case 'meeting.left':
      return { ...state, left: value.reason };
    case 'message.posted':
      return putText(state, value.message);
    case 'media.speakers': {
      const other = value.person_ids.find((one) => one !== state.me?.person_id);
      return { ...state, speakers: value.person_ids, lastSpeaker: other ?? state.lastSpeaker };
    }
    default:
      return state;
  }
}
