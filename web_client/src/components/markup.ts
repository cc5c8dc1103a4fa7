/** Marks on a screenshot and its crop, in pixels of the picture. Pure but for drawing on the context it is given. */
export type Tool = 'crop' | 'rectangle' | 'arrow' | 'pen';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Mark {
  readonly tool: Exclude<Tool, 'crop'>;
  /** Two for rectangle and arrow, the whole way for the pen. */
  readonly points: readonly Point[];
}

export interface Markup {
  readonly marks: readonly Mark[];
  readonly crop: Box | null;
}

/** Smaller drags are slips of the finger. */
const MIN_PIXELS = 8;

export function boxOf(a: Point, b: Point, limit: { readonly width: number; readonly height: number }): Box {
  const inside = (value: number, most: number): number => Math.round(Math.min(most, Math.max(0, value)));
  const left = inside(Math.min(a.x, b.x), limit.width);
  const top = inside(Math.min(a.y, b.y), limit.height);
  return { x: left, y: top, width: inside(Math.max(a.x, b.x), limit.width) - left, height: inside(Math.max(a.y, b.y), limit.height) - top };
}

export const isMeant = (box: Box): boolean => box.width >= MIN_PIXELS && box.height >= MIN_PIXELS;

/** The last mark goes; when there is none, the crop. */
export function undo({ marks, crop }: Markup): Markup {
  return marks.length > 0 ? { marks: marks.slice(0, -1), crop } : { marks, crop: null };
}

export function drawMark(context: CanvasRenderingContext2D, { tool, points }: Mark, width: number): void {
  const from = points[0];
  const to = points.at(-1);
  if (from === undefined || to === undefined) return;
  context.strokeStyle = '#e5322d';
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.lineCap = 'round';
  context.beginPath();
  if (tool === 'rectangle') {
    context.rect(from.x, from.y, to.x - from.x, to.y - from.y);
  } else if (tool === 'pen') {
    context.moveTo(from.x, from.y);
    for (const point of points.slice(1)) context.lineTo(point.x, point.y);
  } else {
    const angle = Math.atan2(to.y - from.y, to.x - from.x);
    const head = width * 4.5;
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    for (const turn of [Math.PI * 0.85, -Math.PI * 0.85]) {
      context.moveTo(to.x, to.y);
      context.lineTo(to.x + head * Math.cos(angle + turn), to.y + head * Math.sin(angle + turn));
    }
  }
  context.stroke();
}
