import { describe, expect, it } from 'vitest';
import { LinkSampler, score } from '@/session/quality';

describe('score', () => {
  it.each([
    [{ rttMs: 20, loss: 0 }, 4],
    [{ rttMs: null, loss: 0 }, 4],
    [{ rttMs: 200, loss: 0 }, 3],
    [{ rttMs: 20, loss: 0.05 }, 2],
    [{ rttMs: 20, loss: 0.2 }, 1],
    [{ rttMs: 900, loss: 0 }, 1],
  ] as const)('of %o is %i', (figures, expected) => {
    expect(score(figures)).toBe(expected);
  });
});

const inbound = (received: number, lost: number, framesDecoded = 0) => ({
  id: 'in',
  type: 'inbound-rtp',
  kind: 'video',
  trackIdentifier: 't1',
  packetsReceived: received,
  packetsLost: lost,
  framesDecoded,
});

describe('sampler', () => {
  it('gives the loss of the last two samples, not of all time', () => {
    const sampler = new LinkSampler();
    expect(sampler.sample([inbound(50, 50)]).loss).toBeCloseTo(0.5);
    sampler.sample([inbound(150, 50)]);
    expect(sampler.sample([inbound(250, 50)]).loss).toBe(0);
  });

  it('takes the worse of what is sent and what is received', () => {
    const sampler = new LinkSampler();
    const sent = { id: 'r', type: 'remote-inbound-rtp', fractionLost: 0.1, roundTripTime: 0.05 };
    expect(sampler.sample([inbound(100, 0), sent])).toEqual({ rttMs: 50, loss: 0.1 });
  });

  it('reads the round trip of the pair in use', () => {
    const pair = (nominated: boolean, currentRoundTripTime: number) => ({ id: `${currentRoundTripTime}`, type: 'candidate-pair', nominated, currentRoundTripTime });
    expect(new LinkSampler().sample([pair(false, 0.9), pair(true, 0.03)]).rttMs).toBeCloseTo(30);
  });

  it('counts the pictures of each track', () => {
    const sampler = new LinkSampler();
    sampler.sample([inbound(1, 0, 10)]);
    expect([sampler.framesDecoded('t1'), sampler.framesDecoded('t2')]).toEqual([10, 0]);
  });
});
