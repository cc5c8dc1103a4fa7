import { describe, expect, it } from 'vitest';
import { planMedia } from '@/session/media_plan';
import { interaction } from './samples';

const running = interaction({ call: { ...interaction().call, phase: 'active' } });

describe('a supervisor', () => {
  it('who listens sends nothing', () => {
    expect(planMedia('supervisor', running, 'listen')).toEqual({ subscribe: true, publish: false, sources: new Set() });
  });

  it.each(['whisper', 'barge'] as const)('who speaks (%s) sends the microphone alone', (mode) => {
    expect(planMedia('supervisor', running, mode)).toEqual({ subscribe: true, publish: true, sources: new Set(['microphone']) });
  });

  it('has no media while nothing runs', () => {
    expect(planMedia('supervisor', interaction(), 'whisper')).toMatchObject({ subscribe: false, publish: false });
  });
});
