import { describe, expect, it } from 'vitest';
import { fit, pan, settle, zoomTo, type Placement } from '@/components/zoom';

const frame = { width: 800, height: 600 };
const picture = { width: 1920, height: 1080 };

/** Which picture point is under a point of the frame. */
const under = (placement: Placement, x: number, y: number) => [(x - placement.x) / placement.scale, (y - placement.y) / placement.scale];

describe('fit', () => {
  it('shows all of it in the middle', () => {
    const placement = fit(frame, picture);
    expect(placement.scale).toBeCloseTo(800 / 1920);
    expect([placement.x, placement.y]).toEqual([0, (600 - 450) / 2]);
    expect(settle(placement, frame, picture)).toEqual(placement);
  });

  it('does not divide by a picture that has not come', () => {
    expect(fit(frame, { width: 0, height: 0 })).toEqual({ scale: 1, x: 0, y: 0 });
  });
});

describe('zoom', () => {
  it('keeps the point under the pointer', () => {
    const start = zoomTo(settle(fit(frame, picture), frame, picture), 1, 400, 300, frame, picture);
    const next = zoomTo(start, 2, 300, 200, frame, picture);
    under(next, 300, 200).forEach((value, index) => {
      expect(value).toBeCloseTo(under(start, 300, 200)[index] ?? NaN);
    });
  });

  it('has ends', () => {
    expect(zoomTo(fit(frame, picture), 100, 0, 0, frame, picture).scale).toBe(6);
    expect(zoomTo(fit(frame, picture), 0.001, 0, 0, frame, picture).scale).toBeCloseTo(800 / 1920);
  });
});

describe('pan', () => {
  it('leaves no gap at an edge', () => {
    const large: Placement = { scale: 1, x: 0, y: 0 };
    expect(pan(large, 500, 500, frame, picture)).toEqual({ scale: 1, x: 0, y: 0 });
    expect(pan(large, -5000, -5000, frame, picture)).toEqual({ scale: 1, x: 800 - 1920, y: 600 - 1080 });
  });

  it('does not move what fits', () => {
    const small: Placement = { scale: 0.25, x: 0, y: 0 };
    expect(pan(small, 50, 50, frame, picture)).toEqual({ scale: 0.25, x: 160, y: 165 });
  });
});
