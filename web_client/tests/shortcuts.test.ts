import { describe, expect, it } from 'vitest';
import { keysOf, SHORTCUTS, shortcutOf } from '@/desk/shortcuts';
import { kindAndRegion, kindOf } from '@/desk/taxpayer';
import type { ProfileView } from '@/protocol/messages';

const pressed = (code: string, part: Partial<Record<'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey', boolean>> = { altKey: true }) =>
  shortcutOf({ altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, ...part, code });

describe('the keyboard of the desk', () => {
  it('gives every key one meaning, and every action one key', () => {
    expect(new Set(SHORTCUTS.map((one) => one.code)).size).toBe(SHORTCUTS.length);
    expect(new Set(SHORTCUTS.map((one) => one.action)).size).toBe(SHORTCUTS.length);
  });

  it('shows the key that is listened to', () => {
    for (const { action, code, keys } of SHORTCUTS) {
      expect(pressed(code)).toBe(action);
      expect(keysOf(action)).toBe(keys);
      expect(keys.startsWith('Alt + ')).toBe(true);
    }
  });

  it('takes no letter from whoever writes, and nothing from the browser', () => {
    expect(pressed('KeyA', {})).toBeNull();
    expect(pressed('KeyA', { altKey: true, ctrlKey: true })).toBeNull();
    expect(pressed('KeyA', { altKey: true, shiftKey: true })).toBeNull();
    expect(pressed('KeyA', { metaKey: true, altKey: true })).toBeNull();
    expect(pressed('KeyZ')).toBeNull();
  });
});

describe('a taxpayer as the desk names them', () => {
  const profile: ProfileView = { person_id: 'p', name: '张*', phone: null, company: null, authority: null, region: '广东' };

  it('is a company by its operator, or a natural person', () => {
    expect(kindOf(profile)).toBe('自然人');
    expect(kindOf({ ...profile, company: '中山市*****有限公司' })).toBe('企业');
  });

  it('has a region where it is known', () => {
    expect(kindAndRegion(profile)).toBe('自然人 · 广东');
    expect(kindAndRegion({ ...profile, region: null })).toBe('自然人');
  });
});
