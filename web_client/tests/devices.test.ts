import { describe, expect, it } from 'vitest';
import { problemOf } from '@/session/devices';
import { encodingsOf, screenScale } from '@/session/encodings';
import { Preferences } from '@/session/preferences';

const named = (name: string, message = ''): unknown => ({ name, message });

describe('why a browser gave no device', () => {
  it.each([
    ['NotAllowedError', 'permission_denied'],
    ['NotFoundError', 'device_missing'],
    ['OverconstrainedError', 'device_missing'],
    ['NotReadableError', 'device_busy'],
    ['TypeError', 'unsupported'],
  ])('%s is %s', (name, problem) => {
    expect(problemOf(named(name), 'device')).toBe(problem);
  });

  it('tells a closed picker from a forbidden screen', () => {
    expect(problemOf(named('NotAllowedError', 'Permission denied'), 'screen')).toBe('picker_cancelled');
    expect(problemOf(named('NotAllowedError', 'Permission denied by user'), 'screen')).toBe('picker_cancelled');
    expect(problemOf(named('NotAllowedError', 'Permission denied by system'), 'screen')).toBe('permission_denied');
    expect(problemOf(named('AbortError'), 'screen')).toBe('picker_cancelled');
  });
});

describe('encodings', () => {
  it('of a camera are three layers, the smallest first', () => {
    expect(encodingsOf('camera').map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy])).toEqual([
      ['q', 4],
      ['h', 2],
      ['f', 1],
    ]);
  });

  it('of a screen are one layer that gives up frames, not pixels', () => {
    expect(encodingsOf('screen')).toMatchObject([{ maxFramerate: 15 }]);
    expect(encodingsOf('screen')[0]?.scaleResolutionDownBy).toBeUndefined();
  });

  it('scale a screen down to 1080p and never up', () => {
    expect(screenScale(3840, 2160)).toBe(2);
    expect(screenScale(1280, 720)).toBe(1);
    expect(screenScale(1080, 2160)).toBe(2);
    expect(screenScale(undefined, undefined)).toBe(1);
  });
});

describe('preferences', () => {
  const storage = (): Storage => {
    const kept = new Map<string, string>();
    return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) } as unknown as Storage;
  };

  it('outlive the page', () => {
    const shared = storage();
    const before = new Preferences(shared);
    before.fontSize = 20;
    before.setDevice('camera', 'c1');
    before.ringSound = false;
    const after = new Preferences(shared);
    expect([after.fontSize, after.device('camera'), after.device('microphone'), after.ringSound]).toEqual([20, 'c1', null, false]);
  });

  it('live as long as the page where storage is refused', () => {
    const refusing = { getItem: () => { throw new Error('denied'); }, setItem: () => { throw new Error('denied'); } } as unknown as Storage;
    const preferences = new Preferences(refusing);
    expect(preferences.fontSize).toBe(15);
    preferences.fontSize = 17;
    expect(preferences.fontSize).toBe(17);
  });

  it('ignore a size that does not exist', () => {
    const shared = storage();
    shared.setItem('yueyue.font-size', '99');
    expect(new Preferences(shared).fontSize).toBe(15);
  });
});
