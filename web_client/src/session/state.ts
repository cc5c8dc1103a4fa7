/** What the browser knows, as plain values, and how each notification changes it. Pure: no I/O and no clock. */
import type {
  AgentView,
  IceServerView,
  InteractionView,
  MemberView,
  MessageView,
  NotificationMap,
  PersonView,
} from '@/protocol/messages';
import type { ConnectionStatus } from '@/signaling/connection';

/** A message that the server has not confirmed yet. */
export interface PendingMessage {
  readonly clientMessageId: string;
  readonly text: string;
  readonly createdAt: number;
  readonly failed: boolean;
}

export interface InteractionState {
  readonly view: InteractionView;
  readonly pending: readonly PendingMessage[];
  /** Highest `seq` the person has seen. */
  readonly seenSeq: number;
  readonly speakers: readonly string[];
}

export interface SessionState {
  readonly connection: ConnectionStatus;
  readonly me: PersonView | null;
  readonly iceServers: readonly IceServerView[];
  readonly agents: readonly AgentView[] | null;
  readonly interactions: ReadonlyMap<string, InteractionState>;
}

export const INITIAL_STATE: SessionState = {
  connection: { state: 'idle', reason: null },
  me: null,
  iceServers: [],
  agents: null,
  interactions: new Map(),
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

/** A whole view replaces what was known; what the person has seen and not yet sent stays. */
export function putInteraction(state: SessionState, view: InteractionView): SessionState {
  const before = state.interactions.get(view.interaction_id);
  const interaction: InteractionState = {
    view,
    pending: confirmed(before?.pending ?? [], view),
    // What is there on first sight was said before this page: only later lines are unread.
    seenSeq: before?.seenSeq ?? lastSeq(view),
    speakers: before?.speakers ?? [],
  };
  return { ...state, interactions: new Map(state.interactions).set(view.interaction_id, interaction) };
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
    return { ...interaction, view: nextView, pending: confirmed(interaction.pending, nextView) };
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

/** The welcome holds all open interactions: those it does not name are over. */
function welcome(state: SessionState, message: NotificationMap['session.welcome']): SessionState {
  let next: SessionState = { ...state, me: message.person, iceServers: message.ice_servers };
  const open = new Set(message.interactions.map((view) => view.interaction_id));
  for (const [id, { view }] of state.interactions) {
    if (!open.has(id) && view.phase !== 'closed') {
      next = withView(next, id, (one) => ({
        ...one,
        phase: 'closed',
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
    case 'media.speakers':
      return withInteraction(state, value.interaction_id, (one) => ({ ...one, speakers: value.person_ids }));
    case 'session.closed':
    case 'media.slot':
    case 'media.transport':
      return state;
  }
}
