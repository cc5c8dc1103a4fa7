import { describe, expect, it } from 'vitest';
import { planMedia } from '@/session/media_plan';
import { interaction } from './samples';

const running = interaction({ call: { ...interaction().call, phase: 'active' } });

describe('a supervisor', () => {
  it('who listens sends nothing', () => {
    expect(planMedia('supervisor', running, { supervision: 'listen' })).toEqual({ subscribe: true, publish: false, sources: new Set() });
  });

  it.each(['whisper', 'barge'] as const)('who speaks (%s) sends the microphone alone', (mode) => {
    expect(planMedia('supervisor', running, { supervision: mode })).toEqual({ subscribe: true, publish: true, sources: new Set(['microphone']) });
  });

  it('has no media while nothing runs', () => {
    expect(planMedia('supervisor', interaction(), { supervision: 'whisper' })).toMatchObject({ subscribe: false, publish: false });
  });
});

describe('an invited agent', () => {
  it('sees a shared screen and sends nothing until they agree to the call', () => {
    const sharing = interaction({ assistance: { ...interaction().assistance, phase: 'sharing' }, call: running.call });
    expect(planMedia('agent', sharing, { guest: { inCall: false } })).toEqual({ subscribe: true, publish: false, sources: new Set() });
    expect(planMedia('agent', running, { guest: { inCall: false } })).toMatchObject({ subscribe: false, publish: false });
  });

  it('sends voice and picture in the call', () => {
    expect(planMedia('agent', running, { guest: { inCall: true } })).toEqual({ subscribe: true, publish: true, sources: new Set(['microphone', 'camera']) });
  });

  it('sends nothing when the call is over', () => {
    const over = interaction({ call: { ...running.call, phase: 'ended' } });
    expect(planMedia('agent', over, { guest: { inCall: true } })).toMatchObject({ sources: new Set() });
  });
});
