import { describe, expect, it } from 'vitest';
import type { InteractionView, MessageView } from '@/protocol/messages';
import {
  addPending,
  failPending,
  hasGap,
  INITIAL_STATE,
  markSeen,
  putInteraction,
  putMessage,
  reduce,
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
