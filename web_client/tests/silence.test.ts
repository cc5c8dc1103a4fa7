import { describe, expect, it } from 'vitest';
import { received, Silence, SILENT_AFTER_MS } from '@/session/silence';

const seen = (count: number, pair = 'udp') => ({ pair, count });

function busy(): Silence {
  const silence = new Silence();
  silence.observe(seen(0), 0);
  silence.observe(seen(50_000), 1_000);
  return silence;
}

describe('silence', () => {
  it('is noticed soon where media had come', () => {
    const silence = busy();
    expect(silence.observe(seen(50_000), 2_000)).toBe(false);
    expect(silence.isSilent(1_000 + SILENT_AFTER_MS - 1, false)).toBe(false);
    expect(silence.isSilent(1_000 + SILENT_AFTER_MS, false)).toBe(true);
    expect(silence.observe(seen(50_100), 5_000)).toBe(true);
    expect(silence.isSilent(5_000, false)).toBe(false);
  });

  it('is noticed sooner when signalling was lost as well', () => {
    expect(busy().isSilent(2_500, true)).toBe(true);
  });

  it('is no silence while consent checks alone come every few seconds', () => {
    const silence = busy();
    silence.observe(seen(50_001), 3_500);
    expect(silence.isSilent(8_500, true)).toBe(false);
    expect(silence.isSilent(10_500, true)).toBe(true);
  });

  it('does not take another way for something heard', () => {
    const silence = busy();
    expect(silence.observe(seen(60_000, 'tcp'), 2_000)).toBe(false);
    expect(silence.observe(seen(60_001, 'tcp'), 3_000)).toBe(true);
  });

  it('begins anew with another connection', () => {
    const silence = busy();
    silence.reset();
    expect(silence.isSilent(60_000, true)).toBe(false);
    expect(silence.observe(seen(10), 61_000)).toBe(false);
    expect(silence.isSilent(62_000, true)).toBe(false);
  });
});

describe('what is received', () => {
  const pair = (id: string, more: object) => ({ type: 'candidate-pair', id, bytesReceived: 5, responsesReceived: 2, ...more });

  it('is counted of the pair in use', () => {
    expect(received([pair('a', {}), pair('b', { bytesReceived: 7 }), { type: 'transport', selectedCandidatePairId: 'b' }])).toEqual({ pair: 'b', count: 9 });
    expect(received([pair('a', {}), pair('b', { selected: true })])).toEqual({ pair: 'b', count: 7 });
    expect(received([pair('a', {})])).toBeNull();
  });
});
