/** Sound of a microphone, at whatever rate the device has, to 16 kHz of 16 bits, which recognition takes. */

export const SPEECH_RATE = 16_000;
/** Taps on either side, in samples of the slower rate. */
const REACH = 8;

/**
 * A windowed sinc at half the slower rate (Smith, "Digital Audio Resampling", ccrma.stanford.edu/~jos/resample), so that what
 * lies above it does not come back as noise among the words. Blocks may be of any length; the end of one continues in the next.
 */
export class Resampler {
  readonly #step: number;
  readonly #cutoff: number;
  readonly #reach: number;
  #kept = new Float32Array(0);
  /** Of the next output sample, in input samples from the beginning of what is kept. */
  #at: number;

  constructor(from: number, to = SPEECH_RATE) {
    this.#step = from / to;
    this.#cutoff = Math.min(1, to / from);
    this.#reach = Math.ceil(REACH / this.#cutoff);
    this.#at = this.#reach;
    this.#kept = new Float32Array(this.#reach);
  }

  push(block: Float32Array): Int16Array<ArrayBuffer> {
    const input = new Float32Array(this.#kept.length + block.length);
    input.set(this.#kept);
    input.set(block, this.#kept.length);
    const count = Math.max(0, Math.floor((input.length - this.#reach - this.#at) / this.#step));
    const output = new Int16Array(count);
    for (let n = 0; n < count; n += 1) {
      output[n] = toInt16(this.#sample(input, this.#at));
      this.#at += this.#step;
    }
    const done = Math.max(0, Math.floor(this.#at) - this.#reach);
    this.#kept = input.slice(done);
    this.#at -= done;
    return output;
  }

  #sample(input: Float32Array, at: number): number {
    const middle = Math.floor(at);
    let sum = 0;
    let weights = 0;
    for (let place = middle - this.#reach + 1; place <= middle + this.#reach; place += 1) {
      const x = (place - at) * this.#cutoff;
      const weight = sinc(x) * (0.5 + 0.5 * Math.cos((Math.PI * Math.min(REACH, Math.abs(x))) / REACH));
      sum += weight * (input[place] ?? 0);
      weights += weight;
    }
    return weights === 0 ? 0 : sum / weights;
  }
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const toInt16 = (value: number): number => Math.round(Math.max(-1, Math.min(1, value)) * 32_767);

/** How loud, from 0 to 1 as an ear would say: the root mean square on a scale of 50 dB. */
export function loudness(block: Float32Array): number {
  let sum = 0;
  for (const sample of block) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, block.length) + 1e-10);
  return Math.max(0, Math.min(1, (decibels + 50) / 40));
}
