/**
 * A picture of noise: a camera that looks at a wall sends little, and an encoder given noise fills whatever rate the line
 * allows.
 */
const WIDTH = 640;
const HEIGHT = 360;
const FRAME_RATE = 15;

export class TestPicture {
  readonly track: MediaStreamTrack;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('no canvas');
    const image = context.createImageData(WIDTH, HEIGHT);
    const pixels = new Uint32Array(image.data.buffer);
    const draw = (): void => {
      fillWithNoise(pixels);
      context.putImageData(image, 0, 0);
    };
    draw();
    const [track] = canvas.captureStream(FRAME_RATE).getVideoTracks();
    if (track === undefined) throw new Error('no track of a canvas');
    // As a camera is encoded, not as a screen, which would rather wait than lose sharpness.
    track.contentHint = 'motion';
    this.track = track;
    this.#timer = setInterval(draw, 1_000 / FRAME_RATE);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

/** Xorshift (Marsaglia 2003): noise for an encoder, no secret. */
export function fillWithNoise(pixels: Uint32Array, seed = (Math.random() * 0xffffffff) | 1): void {
  let state = seed;
  for (let at = 0; at < pixels.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    pixels[at] = state | 0xff000000;
  }
}
