import { describe, expect, it, vi } from 'vitest';
import { clockTime, duration, secondsLeft } from '@/composables/format';
import { CandidateTrickle, Sequence, toIceServers } from '@/session/link';

const event = (candidate: string | null) => ({ candidate: candidate === null ? null : { candidate } }) as RTCPeerConnectionIceEvent;

describe('trickled candidates', () => {
  it('wait for their description and keep their order', () => {
    const send = vi.fn(() => Promise.resolve());
    const trickle = new CandidateTrickle(send);
    trickle.add(event('a'));
    expect(send).not.toHaveBeenCalled();
    trickle.open();
    trickle.add(event('b'));
    trickle.add(event(null));
    expect(send.mock.calls).toEqual([['a'], ['b'], ['']]);
  });

  it('wait again while a new description is negotiated', () => {
    const send = vi.fn(() => Promise.resolve());
    const trickle = new CandidateTrickle(send);
    trickle.open();
    trickle.hold();
    trickle.add(event('c'));
    expect(send).not.toHaveBeenCalled();
    trickle.open();
    expect(send).toHaveBeenCalledWith('c');
  });

  it('are no failure when lost', () => {
    const trickle = new CandidateTrickle(() => Promise.reject(new Error('bad_candidate')));
    trickle.open();
    expect(() => {
      trickle.add(event('d'));
    }).not.toThrow();
  });
});

describe('a sequence of jobs', () => {
  it('runs them one after another, also past one that fails', async () => {
    const sequence = new Sequence();
    const order: string[] = [];
    let finish: () => void = () => undefined;
    const first = sequence.run(() => new Promise<void>((resolve) => (finish = resolve)).then(() => order.push('first')));
    const second = sequence.run(() => Promise.reject(new Error('no')));
    const third = sequence.run(() => Promise.resolve(order.push('third')));
    await Promise.resolve();
    expect(order).toEqual([]);
    finish();
    await first;
    await expect(second).rejects.toThrow('no');
    await third;
    expect(order).toEqual(['first', 'third']);
  });
});

it('ICE servers lose the fields they do not have', () => {
  expect(toIceServers([{ urls: ['stun:a'], username: null, credential: null }, { urls: ['turn:b'], username: 'u', credential: 'c' }])).toEqual([
    { urls: ['stun:a'] },
    { urls: ['turn:b'], username: 'u', credential: 'c' },
  ]);
});

describe('times', () => {
  it('read as people write them', () => {
    expect(clockTime(new Date(2026, 10, 21, 9, 5, 7).getTime())).toBe('09:05:07');
    expect(duration(65_000)).toBe('01:05');
    expect(duration(3_725_000)).toBe('1:02:05');
    expect(duration(-5)).toBe('00:00');
  });

  it('count down to the deadline and not below', () => {
    expect(secondsLeft(10_000, 500)).toBe(10);
    expect(secondsLeft(10_000, 20_000)).toBe(0);
    expect(secondsLeft(null, 0)).toBe(0);
  });
});
