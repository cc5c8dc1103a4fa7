import { describe, expect, it } from 'vitest';
import { boxOf, isMeant, undo, type Mark } from '@/components/markup';

const limit = { width: 100, height: 50 };

describe('a crop', () => {
  it('is the same whichever corner the drag began at, and stays inside the picture', () => {
    const box = { x: 10, y: 5, width: 90, height: 45 };
    expect(boxOf({ x: 10, y: 5 }, { x: 140, y: 70 }, limit)).toEqual(box);
    expect(boxOf({ x: 140, y: 70 }, { x: 10, y: 5 }, limit)).toEqual(box);
  });

  it('of a few pixels was a slip of the finger', () => {
    expect(isMeant(boxOf({ x: 1, y: 1 }, { x: 4, y: 40 }, limit))).toBe(false);
    expect(isMeant(boxOf({ x: 1, y: 1 }, { x: 20, y: 40 }, limit))).toBe(true);
  });
});

it('undo takes the last mark, then the crop', () => {
  const mark: Mark = { tool: 'pen', points: [] };
  const crop = { x: 0, y: 0, width: 9, height: 9 };
  const once = undo({ marks: [mark], crop });
  expect(once).toEqual({ marks: [], crop });
  expect(undo(once)).toEqual({ marks: [], crop: null });
});
