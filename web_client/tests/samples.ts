import type { InteractionView, MemberView, Role } from '@/protocol/messages';

export function member(person_id: string, role: Role, part: Partial<MemberView> = {}): MemberView {
  return {
    person_id,
    role,
    display_name: role === 'taxpayer' ? '张*' : '101',
    presence: 'online',
    supervision: null,
    guest_of: null,
    in_call: false,
    media: [],
    media_connected: true,
    quality: null,
    ...part,
  };
}

export function interaction(part: Partial<InteractionView> = {}): InteractionView {
  return {
    interaction_id: 'i1',
    kind: 'service',
    phase: 'open',
    centre_id: 'c1',
    centre_name: '中山市税务局',
    context: { page: null, business: null, authority: null },
    agent_id: 'agent01',
    members: [member('me', 'taxpayer'), member('agent01', 'agent')],
    messages: [],
    last_seq: 0,
    history_from: 1,
    read: {},
    assistance: { phase: 'idle', ended_by: null, end_reason: null, problem: null, deadline: null, started_at: null },
    call: { phase: 'idle', ended_by: null, end_reason: null, problems: {}, deadline: null, started_at: null },
    recording: { phase: 'idle', recording_id: null, started_at: null, consents: {} },
    transfer: null,
    invitation: null,
    silence_ends_at: null,
    opened_at: 0,
    closed_by: null,
    close_reason: null,
    ...part,
  };
}
