/** What the browser knows, as plain values, and how each notification changes it. Pure: no I/O and no clock. */
import type {
  AftercareView,
  AgentView,
  CentreOverview,
  ConfirmationView,
  DeskView,
  IceServerView,
  InteractionView,
  InvitationRing,
  MemberView,
  LeftReason,
  MessageView,
  OwnMeetingView,
  NotificationMap,
  PersonView,
  RatingView,
  StatusReason,
  TicketView,
  WaitingView,
} from '@/protocol/messages';
import type { ConnectionStatus } from '@/signaling/connection';
import { countsTold, NO_COUNTS, type CountsState } from './counts';

/** A message that the server has not confirmed yet. */
export interface PendingMessage {
  readonly clientMessageId: string;
  /** Of a file its name. */
  readonly text: string;
  /** An uploaded file instead of text. */
  readonly fileId?: string;
  readonly createdAt: number;
  readonly failed: boolean;
}

export interface InteractionState {
  readonly view: InteractionView;
  readonly pending: readonly PendingMessage[];
  /** Highest `seq` the person has seen. */
  readonly seenSeq: number;
  readonly speakers: readonly string[];
  /** Who is typing, by person: until when it is believed without another word of it. */
  readonly typing: ReadonlyMap<string, number>;
}

export interface SessionState {
  readonly connection: ConnectionStatus;
  readonly me: PersonView | null;
  readonly iceServers: readonly IceServerView[];
  readonly agents: readonly AgentView[] | null;
  readonly interactions: ReadonlyMap<string, InteractionState>;
  /** A taxpayer's place in the queue, also for a moment after it is gone. */
  readonly ticket: TicketView | null;
  readonly desk: DeskView | null;
  readonly statusReason: StatusReason | null;
  /** By centre. */
  readonly waiting: ReadonlyMap<string, WaitingView>;
  /** By interaction: over, but to be rated or wrapped up. */
  readonly aftercare: ReadonlyMap<string, AftercareView>;
  /** By centre; null until a supervisor has asked. */
  readonly overview: ReadonlyMap<string, CentreOverview> | null;
  /** Invitations that ring here, the oldest first. */
  readonly rings: readonly InvitationRing[];
  /** Service confirmation forms known here, by id. */
  readonly confirmations: ReadonlyMap<string, ConfirmationView>;
  /** What waits in the personal centre, or on its staff side. */
  readonly inbox: CountsState;
  /** Mediation meetings one is expected in. */
  readonly meetings: readonly OwnMeetingView[];
  /** The last interaction that goes on without this person. */
  readonly left: { readonly interactionId: string; readonly reason: LeftReason } | null;
}

export const INITIAL_STATE: SessionState = {
  connection: { state: 'idle', reason: null },
  me: null,
  iceServers: [],
  agents: null,
  interactions: new Map(),
  ticket: null,
  desk: null,
  statusReason: null,
  waiting: new Map(),
  aftercare: new Map(),
  overview: null,
  rings: [],
  confirmations: new Map(),
  inbox: NO_COUNTS,
  meetings: [],
  left: null,
};

export function lastSeq(view: InteractionView): number {
  return view.messages.at(-1)?.seq ?? 0;
}

/** Lines of others that the person has not seen; the system's own lines do not count. */
export function unreadCount(interaction: InteractionState, myId: string | undefined): number {
  return interaction.view.messages.filter(
    (message) => message.seq > interaction.seenSeq && message.sender_id !== null && message.sender_id !== myId,
  ).length;
}

/** The others' lines and ours in the order of the conversation; messages have no gaps, so a jump means one was missed. */
export function hasGap(view: InteractionView, message: MessageView): boolean {
  return message.seq > lastSeq(view) + 1;
}

function withInteraction(
  state: SessionState,
  interactionId: string,
  change: (interaction: InteractionState) => InteractionState,
): SessionState {
  const interaction = state.interactions.get(interactionId);
  if (interaction === undefined) return state;
  return { ...state, interactions: new Map(state.interactions).set(interactionId, change(interaction)) };
}

function withView(
  state: SessionState,
  interactionId: string,
  change: (view: InteractionView) => InteractionView,
): SessionState {
  return withInteraction(state, interactionId, (interaction) => ({ ...interaction, view: change(interaction.view) }));
}

function confirmed(pending: readonly PendingMessage[], view: InteractionView): readonly PendingMessage[] {
  const known = new Set(view.messages.map((message) => message.client_message_id));
  return pending.filter((message) => !known.has(message.clientMessageId));
}

/** Both in order and without a gap: earlier lines that do not reach up to the later ones are left to be loaded again. */
function joined(earlier: readonly MessageView[], later: readonly MessageView[]): MessageView[] {
  const first = later[0]?.seq;
  if (first === undefined) return [...earlier];
  if ((earlier.at(-1)?.seq ?? 0) < first - 1) return [...later];
  return [...earlier.filter((message) => message.seq < first), ...later];
}

/** A whole view replaces what was known; earlier lines, what the person has seen and what is not yet sent stay. */
export function putInteraction(state: SessionState, view: InteractionView): SessionState {
  const before = state.interactions.get(view.interaction_id);
  const whole = { ...view, messages: joined(before?.view.messages ?? [], view.messages) };
  const interaction: InteractionState = {
    view: whole,
    pending: confirmed(before?.pending ?? [], whole),
    // What is there on first sight was said before this page: unread is what the read mark says, else only later lines.
    seenSeq: before?.seenSeq ?? view.read[state.me?.person_id ?? ''] ?? lastSeq(view),
    speakers: before?.speakers ?? [],
    typing: before?.typing ?? new Map(),
  };
  const next = { ...state, interactions: new Map(state.interactions).set(view.interaction_id, interaction) };
  return view.phase === 'closed' ? withAftercare(next, view) : next;
}

/** An end one sees happen is to be rated or wrapped up, as the next welcome would say. */
function withAftercare(state: SessionState, view: InteractionView): SessionState {
  if (view.agent_id === null || state.aftercare.has(view.interaction_id)) return state;
  const role = state.me?.role;
  if (role !== 'taxpayer' && view.agent_id !== state.me?.person_id) return state;
  const named = (wanted: 'taxpayer' | 'agent'): string | null =>
    view.members.find((member) => member.role === wanted)?.display_name ?? null;
  const aftercare: AftercareView = {
    interaction_id: view.interaction_id,
    staff_number: named('agent'),
    taxpayer_name: role === 'taxpayer' ? null : named('taxpayer'),
    closed_at: view.messages.at(-1)?.sent_at ?? view.opened_at,
    close_reason: view.close_reason,
    rating: null,
    wrapped_up: false,
  };
  return { ...state, aftercare: new Map(state.aftercare).set(view.interaction_id, aftercare) };
}

function changeAftercare(state: SessionState, interactionId: string, part: Partial<AftercareView>): SessionState {
  const known = state.aftercare.get(interactionId);
  if (known === undefined) return state;
  return { ...state, aftercare: new Map(state.aftercare).set(interactionId, { ...known, ...part }) };
}

export const putRating = (state: SessionState, interactionId: string, rating: RatingView): SessionState =>
  changeAftercare(state, interactionId, { rating });

export const putWrappedUp = (state: SessionState, interactionId: string): SessionState =>
  changeAftercare(state, interactionId, { wrapped_up: true });

export function putWaiting(state: SessionState, waiting: readonly WaitingView[]): SessionState {
  const next = new Map(state.waiting);
  for (const one of waiting) next.set(one.centre.centre_id, one);
  return { ...state, waiting: next };
}

export function putOverview(state: SessionState, centres: readonly CentreOverview[]): SessionState {
  const next = new Map(state.overview ?? []);
  for (const one of centres) next.set(one.waiting.centre.centre_id, one);
  return { ...state, overview: next };
}

export function setTyping(state: SessionState, interactionId: string, personId: string, until: number | null): SessionState {
  return withInteraction(state, interactionId, (interaction) => {
    const typing = new Map(interaction.typing);
    if (until === null) typing.delete(personId);
    else typing.set(personId, until);
    return { ...interaction, typing };
  });
}

/** Lines of a page of earlier ones, or of what was missed. */
export function putMessages(state: SessionState, interactionId: string, messages: readonly MessageView[]): SessionState {
  return withInteraction(state, interactionId, (interaction) => {
    const bySeq = new Map(interaction.view.messages.map((message) => [message.seq, message]));
    for (const message of messages) bySeq.set(message.seq, message);
    const view = { ...interaction.view, messages: [...bySeq.values()].sort((a, b) => a.seq - b.seq) };
    return { ...interaction, view, pending: confirmed(interaction.pending, view) };
  });
}

export function dropInteraction(state: SessionState, interactionId: string): SessionState {
  const interactions = new Map(state.interactions);
  interactions.delete(interactionId);
  return { ...state, interactions };
}

function putMember(members: readonly MemberView[], member: MemberView): MemberView[] {
  return members.some((one) => one.person_id === member.person_id)
    ? members.map((one) => (one.person_id === member.person_id ? member : one))
    : [...members, member];
}

export function putMessage(state: SessionState, interactionId: string, message: MessageView): SessionState {
  return withInteraction(state, interactionId, (interaction) => {
    const { view } = interaction;
    const known = view.messages.some((one) => one.seq === message.seq);
    const messages = known ? view.messages : [...view.messages, message].sort((a, b) => a.seq - b.seq);
    const nextView = { ...view, messages };
    const typing = new Map(interaction.typing);
    if (message.sender_id !== null) typing.delete(message.sender_id);
    return { ...interaction, view: nextView, typing, pending: confirmed(interaction.pending, nextView) };
  });
}

export function markSeen(state: SessionState, interactionId: string): SessionState {
  const interaction = state.interactions.get(interactionId);
  if (interaction === undefined || interaction.seenSeq >= lastSeq(interaction.view)) return state;
  return withInteraction(state, interactionId, (one) => ({ ...one, seenSeq: lastSeq(one.view) }));
}

export function addPending(state: SessionState, interactionId: string, message: PendingMessage): SessionState {
  return withInteraction(state, interactionId, (interaction) => ({
    ...interaction,
    pending: [...interaction.pending.filter((one) => one.clientMessageId !== message.clientMessageId), message],
  }));
}

export function failPending(state: SessionState, interactionId: string, clientMessageId: string): SessionState {
  return withInteraction(state, interactionId, (interaction) => ({
    ...interaction,
    pending: interaction.pending.map((one) =>
      one.clientMessageId === clientMessageId ? { ...one, failed: true } : one,
    ),
  }));
}

export const putConfirmation = (state: SessionState, confirmation: ConfirmationView): SessionState => ({
  ...state,
  confirmations: new Map(state.confirmations).set(confirmation.confirmation_id, confirmation),
});

const withoutRing = (state: SessionState, interactionId: string): SessionState => ({
  ...state,
  rings: state.rings.filter((one) => one.interaction_id !== interactionId),
});

/** Oneself as an invited agent in a conversation of others; null in one's own. */
export function guestIn(view: InteractionView, personId: string): MemberView | null {
  return view.members.find((one) => one.person_id === personId && one.guest_of !== null) ?? null;
}

/** The welcome holds all open interactions: those it does not name are over. */
function welcome(state: SessionState, message: NotificationMap['session.welcome']): SessionState {
  let next: SessionState = {
    ...state,
    me: message.person,
    iceServers: message.ice_servers,
    ticket: message.ticket,
    desk: message.desk,
    waiting: new Map(message.waiting.map((one) => [one.centre.centre_id, one])),
    aftercare: new Map(message.aftercare.map((one) => [one.interaction_id, one])),
    rings: message.rings,
    // Told right after, when there are any.
    meetings: [],
    confirmations: new Map([...state.confirmations, ...message.confirmations.map((one) => [one.confirmation_id, one] as const)]),
  };
  const open = new Set(message.interactions.map((view) => view.interaction_id));
  for (const [id, { view }] of state.interactions) {
    if (!open.has(id) && view.phase !== 'closed') {
      next = withView(next, id, (one) => ({
        ...one,
        phase: 'closed',
        transfer: null,
        silence_ends_at: null,
        close_reason: one.close_reason ?? message.aftercare.find((after) => after.interaction_id === id)?.close_reason ?? null,
        assistance: { ...one.assistance, phase: one.assistance.phase === 'idle' ? 'idle' : 'ended' },
        call: { ...one.call, phase: one.call.phase === 'idle' ? 'idle' : 'ended' },
      }));
    }
  }
  return message.interactions.reduce(putInteraction, next);
}

export type SessionNotification = {
  [E in keyof NotificationMap]: { readonly event: E; readonly value: NotificationMap[E] };
}[keyof NotificationMap];

export function reduce(state: SessionState, notification: SessionNotification): SessionState {
  const { event, value } = notification;
  switch (event) {
    case 'session.welcome':
      return welcome(state, value);
    case 'interaction.changed':
      return putInteraction(state, value.interaction);
    case 'member.changed':
      return withView(state, value.interaction_id, (view) => ({
        ...view,
        members: putMember(view.members, value.member),
      }));
    case 'message.posted':
      return putMessage(state, value.interaction_id, value.message);
    case 'assistance.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, assistance: value.assistance }));
    case 'call.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, call: value.call }));
    case 'recording.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, recording: value.recording }));
    case 'media.speakers':
      return withInteraction(state, value.interaction_id, (one) => ({ ...one, speakers: value.person_ids }));
    case 'read.changed':
      return withView(state, value.interaction_id, (view) => ({
        ...view,
        read: { ...view.read, [value.person_id]: Math.max(value.seq, view.read[value.person_id] ?? 0) },
      }));
    case 'silence.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, silence_ends_at: value.ends_at }));
    case 'transfer.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, transfer: value.transfer }));
    case 'invitation.changed':
      return withView(state, value.interaction_id, (view) => ({ ...view, invitation: value.invitation }));
    case 'invitation.rang':
      return { ...state, rings: [...withoutRing(state, value.ring.interaction_id).rings, value.ring] };
    case 'invitation.ended':
      return withoutRing(state, value.interaction_id);
    case 'confirmation.changed':
      return putConfirmation(state, value.confirmation);
    case 'interaction.left':
      return {
        ...dropInteraction(state, value.interaction_id),
        left: { interactionId: value.interaction_id, reason: value.reason },
      };
    case 'queue.changed':
      return { ...state, ticket: value.ticket };
    case 'desk.changed':
      return { ...state, desk: value.desk };
    case 'offer.rang':
      return state.desk === null ? state : { ...state, desk: { ...state.desk, offer: value.offer } };
    case 'offer.ended':
      return state.desk?.offer?.ticket_id === value.ticket_id ? { ...state, desk: { ...state.desk, offer: null } } : state;
    case 'waiting.changed':
      return putWaiting(state, [value.waiting]);
    case 'agent.status':
      return {
        ...state,
        statusReason: value.reason,
        desk: state.desk === null ? null : { ...state.desk, status: value.status },
      };
    case 'mediation.changed':
      return { ...state, meetings: value.meetings };
    case 'supervise.changed':
      return putOverview(state, [value.centre]);
    case 'centre.changed':
      return { ...state, inbox: countsTold(state.inbox, value) };
    case 'typing.changed':
    case 'session.closed':
    case 'media.slot':
    case 'media.layers_wanted':
    case 'media.transport':
    case 'meeting.changed':
    case 'meeting.member':
    case 'meeting.lobby':
    case 'meeting.unmute_asked':
    case 'meeting.notes_changed':
    case 'meeting.left':
    case 'check.figures':
    case 'check.ended':
      return state;
  }
}
