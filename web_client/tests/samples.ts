import type { InteractionView, MemberView, Role } from '@/protocol/messages';

export function member(person_id: string, role: Role, part: Partial<MemberView> = {}): MemberView {
  return {
    person_id,
    role,
    display_name: role === 'taxpayer' ? '张*' : '101',
    presence: 'online',
    media: [],
    media_connected: true,
    quality: null,
    ...part,
  };
}

export function interaction(part: Partial<InteractionView> = {}): InteractionView {
  return {
    interaction_id: 'i1',
    phase: 'open',
    members: [member('me', 'taxpayer'), member('agent01', 'agent')],
    messages: [],
    assistance: { phase: 'idle', ended_by: null, end_reason: null, problem: null, deadline: null, started_at: null },
    call: { phase: 'idle', ended_by: null, end_reason: null, problems: {}, deadline: null, started_at: null },
    opened_at: 0,
    closed_by: null,
    ...part,
  };
}
