/** Where a picture lies in its frame, in CSS pixels. Pure, so that it can be tested. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Placement {
  /** CSS pixels per picture pixel. */
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const MAX_SCALE = 6;
export const ZOOM_STEP = 1.25;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** All of the picture, as large as it goes, in the middle. */
export function fit(frame: Size, picture: Size): Placement {
  if (picture.width === 0 || picture.height === 0) return { scale: 1, x: 0, y: 0 };
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return settle({ scale, x: 0, y: 0 }, frame, picture);
}

/** A picture smaller than the frame stands in the middle; a larger one covers it, with no gap at an edge. */
export function settle(placement: Placement, frame: Size, picture: Size): Placement {
  const along = (offset: number, room: number, length: number): number =>
    length <= room ? (room - length) / 2 : clamp(offset, room - length, 0);
  return {
    scale: placement.scale,
    x: along(placement.x, frame.width, picture.width * placement.scale),
    y: along(placement.y, frame.height, picture.height * placement.scale),
  };
}

/** Zooms so that the picture point under (`x`, `y`) of the frame stays there. */
export function zoomTo(placement: Placement, scale: number, x: number, y: number, frame: Size, picture: Size): Placement {
  const smallest = Math.min(fit(frame, picture).scale, 0.5);
  const next = clamp(scale, smallest, MAX_SCALE);
  const ratio = next / placement.scale;
  return settle({ scale: next, x: x - (x - placement.x) * ratio, y: y - (y - placement.y) * ratio }, frame, picture);
}

export function pan(placement: Placement, dx: number, dy: number, frame: Size, picture: Size): Placement {
  return settle({ ...placement, x: placement.x + dx, y: placement.y + dy }, frame, picture);
}
