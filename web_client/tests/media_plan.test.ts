import { describe, expect, it } from 'vitest';
import type { AssistancePhase, CallPhase, Role } from '@/protocol/messages';
import { planMedia } from '@/session/media_plan';
import { interaction } from './samples';

const plan = (role: Role, assistance: AssistancePhase, call: CallPhase) => {
  const base = interaction();
  const view = interaction({
    assistance: { ...base.assistance, phase: assistance },
    call: { ...base.call, phase: call },
  });
  const { publish, subscribe, sources } = planMedia(role, view);
  return { publish, subscribe, sources: [...sources] };
};

describe('assistance', () => {
  it('warms up while it rings: the taxpayer to send, the agent to receive', () => {
    expect(plan('taxpayer', 'requested', 'idle')).toEqual({ publish: true, subscribe: false, sources: [] });
    expect(plan('agent', 'requested', 'idle')).toEqual({ publish: false, subscribe: true, sources: [] });
  });

  it.each<AssistancePhase>(['accepted', 'sharing', 'paused'])('lets only the taxpayer send a screen when %s', (phase) => {
    expect(plan('taxpayer', phase, 'idle').sources).toEqual(['screen', 'screen_audio']);
    expect(plan('agent', phase, 'idle')).toEqual({ publish: false, subscribe: true, sources: [] });
  });

  it.each<AssistancePhase>(['idle', 'ended'])('needs nothing when %s', (phase) => {
    for (const role of ['taxpayer', 'agent'] as const) {
      expect(plan(role, phase, 'idle')).toEqual({ publish: false, subscribe: false, sources: [] });
    }
  });
});

describe('call', () => {
  it('warms up for a mere question, and captures nothing', () => {
    for (const role of ['taxpayer', 'agent'] as const) {
      expect(plan(role, 'idle', 'asked')).toEqual({ publish: true, subscribe: true, sources: [] });
    }
  });

  it('has the agent’s media warm while the taxpayer’s side rings, and not the taxpayer’s', () => {
    expect(plan('agent', 'idle', 'ringing').sources).toEqual(['microphone', 'camera']);
    expect(plan('taxpayer', 'idle', 'ringing')).toEqual({ publish: true, subscribe: true, sources: [] });
  });

  it.each<CallPhase>(['connecting', 'active'])('lets both send when %s', (phase) => {
    for (const role of ['taxpayer', 'agent'] as const) {
      expect(plan(role, 'idle', phase)).toEqual({ publish: true, subscribe: true, sources: ['microphone', 'camera'] });
    }
  });

  it('runs beside an assistance', () => {
    expect(plan('taxpayer', 'sharing', 'active').sources).toEqual(['screen', 'screen_audio', 'microphone', 'camera']);
    expect(plan('agent', 'sharing', 'active').sources).toEqual(['microphone', 'camera']);
  });
});

it('needs nothing once the interaction is closed, whatever the phases say', () => {
  const base = interaction();
  const view = interaction({ phase: 'closed', call: { ...base.call, phase: 'active' } });
  expect(planMedia('taxpayer', view).publish).toBe(false);
});
