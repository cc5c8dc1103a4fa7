import { describe, expect, it } from 'vitest';
import { FROZEN_AFTER_MS, FrozenPictures } from '@/session/frozen';

describe('frozen pictures', () => {
  it('are those that stand still for a while, until they move', () => {
    const pictures = new FrozenPictures();
    pictures.observe('a:camera', 10, 0);
    pictures.observe('b:camera', 10, 0);
    pictures.observe('a:camera', 10, FROZEN_AFTER_MS);
    pictures.observe('b:camera', 11, FROZEN_AFTER_MS);
    expect([...pictures.at(FROZEN_AFTER_MS)]).toEqual(['a:camera']);
    pictures.observe('a:camera', 11, FROZEN_AFTER_MS + 1);
    expect([...pictures.at(FROZEN_AFTER_MS + 1)]).toEqual([]);
  });

  it('are none that have not begun', () => {
    const pictures = new FrozenPictures();
    pictures.observe('a:camera', 0, 0);
    expect([...pictures.at(FROZEN_AFTER_MS)]).toEqual([]);
  });

  it('are none that were turned off meanwhile: what comes back has its time again', () => {
    const pictures = new FrozenPictures();
    pictures.observe('a:camera', 10, 0);
    pictures.forget('a:camera');
    pictures.observe('a:camera', 10, 60_000);
    expect([...pictures.at(60_000 + FROZEN_AFTER_MS - 1)]).toEqual([]);
    expect([...pictures.at(60_000 + FROZEN_AFTER_MS)]).toEqual(['a:camera']);
  });
});
