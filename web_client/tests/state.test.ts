import { describe, expect, it } from 'vitest';
import type { InteractionView, MessageView } from '@/protocol/messages';
import {
  addPending,
  failPending,
  guestIn,
  hasGap,
  INITIAL_STATE,
  markSeen,
  putInteraction,
  putMessage,
  putMessages,
  putRating,
  reduce,
  setTyping,
  unreadCount,
  type SessionState,
} from '@/session/state';
import { interaction, member } from './samples';

const line = (seq: number, sender: string | null = 'agent01', id: string | null = null): MessageView => ({
  seq,
  kind: sender === null ? 'system' : 'text',
  client_message_id: id,
  sender_id: sender,
  sender_role: sender === null ? null : sender === 'me' ? 'taxpayer' : 'agent',
  sender_name: sender,
  file: null,
  card: null,
  text: `第 ${seq} 句`,
  sent_at: seq,
});

const withMessages = (...messages: MessageView[]): SessionState =>
  putInteraction(INITIAL_STATE, interaction({ messages }));

const of = (state: SessionState) => {
  const found = state.interactions.get('i1');
  if (found === undefined) throw new Error('no interaction');
  return found;
};

describe('messages', () => {
  it('keeps the order of the conversation whatever the order of arrival', () => {
    const state = putMessage(putMessage(withMessages(line(1)), 'i1', line(3)), 'i1', line(2));
    expect(of(state).view.messages.map((message) => message.seq)).toEqual([1, 2, 3]);
  });

  it('takes a message once', () => {
    const state = putMessage(withMessages(line(1)), 'i1', line(1));
    expect(of(state).view.messages).toHaveLength(1);
  });

  it('notices that one was missed', () => {
    const { view } = of(withMessages(line(1)));
    expect(hasGap(view, line(2))).toBe(false);
    expect(hasGap(view, line(3))).toBe(true);
  });

  it('counts as unread what others said since, not one’s own lines and not the system’s', () => {
    let state = withMessages(line(1));
    expect(unreadCount(of(state), 'me')).toBe(0);
    for (const message of [line(2), line(3, 'me'), line(4, null), line(5)]) state = putMessage(state, 'i1', message);
    expect(unreadCount(of(state), 'me')).toBe(2);
    expect(unreadCount(of(markSeen(state, 'i1')), 'me')).toBe(0);
  });
});

describe('pending messages', () => {
  const pending = { clientMessageId: 'c1', text: '您好', createdAt: 1, failed: false };

  it('go when the server confirms them, by answer or by notification', () => {
    const state = addPending(withMessages(), 'i1', pending);
    expect(of(state).pending).toHaveLength(1);
    expect(of(putMessage(state, 'i1', line(1, 'me', 'c1'))).pending).toHaveLength(0);
  });

  it('go when a resynchronised view holds them', () => {
    const state = addPending(withMessages(), 'i1', pending);
    expect(of(putInteraction(state, interaction({ messages: [line(1, 'me', 'c1')] }))).pending).toHaveLength(0);
  });

  it('stay, marked, when sending failed, and are not doubled when sent again', () => {
    const failed = failPending(addPending(withMessages(), 'i1', pending), 'i1', 'c1');
    expect(of(failed).pending).toMatchObject([{ clientMessageId: 'c1', failed: true }]);
    expect(of(addPending(failed, 'i1', pending)).pending).toMatchObject([{ failed: false }]);
  });
});

describe('welcome', () => {
  const welcome = (state: SessionState, interactions: InteractionView[]) =>
    reduce(state, {
      event: 'session.welcome',
      value: {
        version: 1,
        person: { person_id: 'me', role: 'taxpayer', display_name: '张*', authority: null, region: null },
        resume_token: 'r',
        resumed: true,
        interactions,
        ice_servers: [],
        ticket: null,
        desk: null,
        waiting: [],
        aftercare: [],
        rings: [],
        confirmations: [],
      },
    });

  it('replaces what was known by the truth', () => {
    const state = welcome(withMessages(line(1)), [interaction({ messages: [line(1), line(2)] })]);
    expect(of(state).view.messages).toHaveLength(2);
    expect(unreadCount(of(state), 'me')).toBe(1);
  });

  it('closes what it no longer names, with everything that ran in it', () => {
    const before = putInteraction(
      INITIAL_STATE,
      interaction({ assistance: { ...interaction().assistance, phase: 'sharing' } }),
    );
    const { view } = of(welcome(before, []));
    expect(view.phase).toBe('closed');
    expect(view.assistance.phase).toBe('ended');
    expect(view.call.phase).toBe('idle');
  });
});

describe('notifications', () => {
  it('change a member in place and add a new one', () => {
    let state = withMessages();
    state = reduce(state, {
      event: 'member.changed',
      value: { interaction_id: 'i1', member: member('agent01', 'agent', { presence: 'reconnecting' }) },
    });
    state = reduce(state, {
      event: 'member.changed',
      value: { interaction_id: 'i1', member: member('agent02', 'agent') },
    });
    expect(of(state).view.members.map((one) => [one.person_id, one.presence])).toEqual([
      ['me', 'online'],
      ['agent01', 'reconnecting'],
      ['agent02', 'online'],
    ]);
  });

  it('of unknown interactions change nothing', () => {
    const state = withMessages();
    expect(reduce(state, { event: 'message.posted', value: { interaction_id: 'other', message: line(1) } })).toBe(state);
  });
});

const welcomed = (role: 'taxpayer' | 'agent'): SessionState => ({
  ...INITIAL_STATE,
  me: { person_id: role === 'agent' ? 'agent01' : 'me', role, display_name: '', authority: null, region: null },
});

describe('service', () => {
  it('asks the taxpayer to rate what ended before their eyes, once', () => {
    let state = putInteraction(welcomed('taxpayer'), interaction());
    state = reduce(state, { event: 'interaction.changed', value: { interaction: interaction({ phase: 'closed', close_reason: 'agent_ended' }) } });
    expect(state.aftercare.get('i1')).toMatchObject({ staff_number: '101', rating: null, close_reason: 'agent_ended' });
    const rated = putRating(state, 'i1', { resolved: true, rated_at: 1 });
    const again = reduce(rated, { event: 'interaction.changed', value: { interaction: interaction({ phase: 'closed' }) } });
    expect(again.aftercare.get('i1')?.rating?.resolved).toBe(true);
  });

  it('asks nobody about a conversation that nobody served, and no agent about another’s', () => {
    const unserved = putInteraction(welcomed('taxpayer'), interaction({ phase: 'closed', agent_id: null }));
    expect(unserved.aftercare.size).toBe(0);
    expect(putInteraction(welcomed('agent'), interaction({ phase: 'closed', agent_id: 'agent02' })).aftercare.size).toBe(0);
    expect(putInteraction(welcomed('agent'), interaction({ phase: 'closed' })).aftercare.size).toBe(1);
  });

  it('keeps earlier lines that were loaded when a whole view comes, and drops those with a gap behind them', () => {
    const loaded = putMessages(withMessages(line(3), line(4)), 'i1', [line(1), line(2)]);
    const whole = putInteraction(loaded, interaction({ messages: [line(4), line(5)] }));
    expect(of(whole).view.messages.map((one) => one.seq)).toEqual([1, 2, 3, 4, 5]);
    const gap = putInteraction(loaded, interaction({ messages: [line(9)] }));
    expect(of(gap).view.messages.map((one) => one.seq)).toEqual([9]);
  });

  it('takes what was said while the page was away as unread, by the read mark', () => {
    const state = putInteraction(welcomed('taxpayer'), interaction({ messages: [line(1), line(2), line(3)], read: { me: 1 } }));
    expect(unreadCount(of(state), 'me')).toBe(2);
  });

  it('never takes a read mark back', () => {
    const read = (state: SessionState, seq: number) =>
      reduce(state, { event: 'read.changed', value: { interaction_id: 'i1', person_id: 'agent01', seq } });
    expect(of(read(read(withMessages(line(1)), 5), 3)).view.read.agent01).toBe(5);
  });

  it('lets go of a conversation that went on to somebody else', () => {
    const state = reduce(withMessages(line(1)), { event: 'interaction.left', value: { interaction_id: 'i1', reason: 'transferred' } });
    expect(state.interactions.size).toBe(0);
    expect(state.left).toEqual({ interactionId: 'i1', reason: 'transferred' });
  });

  it('stops believing in typing when the line comes', () => {
    const typing = setTyping(withMessages(line(1)), 'i1', 'agent01', 99);
    expect(of(typing).typing.get('agent01')).toBe(99);
    expect(of(putMessage(typing, 'i1', line(2))).typing.size).toBe(0);
  });
});

describe('invitations', () => {
  const ring = {
    interaction_id: 'i9',
    invitation_id: 'v1',
    kind: 'service' as const,
    from_number: '101',
    authority: '安徽',
    taxpayer_name: '张*',
    business: null,
    note: '',
    share_history: false,
    deadline: 1,
  };

  it('ring until they are ended, each conversation once', () => {
    let state = reduce(INITIAL_STATE, { event: 'invitation.rang', value: { ring } });
    state = reduce(state, { event: 'invitation.rang', value: { ring: { ...ring, invitation_id: 'v2' } } });
    expect(state.rings.map((one) => one.invitation_id)).toEqual(['v2']);
    state = reduce(state, { event: 'invitation.ended', value: { interaction_id: 'i9', invitation_id: 'v2', phase: 'timed_out' } });
    expect(state.rings).toEqual([]);
  });

  it('make oneself a guest in the conversation of others alone', () => {
    const view = interaction({ members: [member('t', 'taxpayer'), member('a', 'agent'), member('g', 'agent', { guest_of: '安徽' })] });
    expect(guestIn(view, 'g')?.guest_of).toBe('安徽');
    expect(guestIn(view, 'a')).toBeNull();
  });
});
