/** How loud a microphone is now, and the tone that tries a loudspeaker. Web Audio: nothing is sent or kept. */

/** Root mean square of samples between -1 and 1 as a level from 0 to 1: 0 at -60 dBFS and below, 1 at 0 dBFS. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const power = samples.length === 0 ? 0 : sum / samples.length;
  return power === 0 ? 0 : Math.min(1, Math.max(0, 1 + Math.log10(power) / 6));
}

const EVERY_MS = 80;
const START_MS = 3_000;

/** The browser has nothing to play on. Without a playback device Firefox leaves a context suspended, and its promise open. */
export class PlaybackError extends Error {
  override readonly name = 'PlaybackError';
}

async function started(context: AudioContext): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, START_MS);
  });
  await Promise.race([context.resume(), tooLong]).catch(() => undefined);
  clearTimeout(timer);
  if (context.state === 'running') return;
  context.close().catch(() => undefined);
  throw new PlaybackError();
}

export class SoundMeter {
  readonly #context: AudioContext;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(track: MediaStreamTrack, onLevel: (level: number) => void) {
    this.#context = new AudioContext();
    this.#context.resume().catch(() => undefined);
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 2048;
    this.#source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      onLevel(levelOf(samples));
    }, EVERY_MS);
  }

  /** False: what it says is no measurement, for the browser does not run its sound. */
  get running(): boolean {
    return this.#context.state === 'running';
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#source.disconnect();
    this.#context.close().catch(() => undefined);
  }
}

const NOTES: readonly number[] = [523, 659, 784, 659, 523];
const NOTE_S = 0.4;

/** A few notes, for about two seconds. Called from a click; resolves when it is over. Rejects with `PlaybackError`. */
export async function playTone(): Promise<void> {
  const context = new AudioContext();
  await started(context);
  let last: OscillatorNode | null = null;
  NOTES.forEach((frequency, index) => {
    const begin = context.currentTime + index * NOTE_S;
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(0.2, begin + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + NOTE_S);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(begin);
    oscillator.stop(begin + NOTE_S);
    last = oscillator;
  });
  await new Promise<void>((resolve) => {
    last?.addEventListener('ended', () => resolve(), { once: true });
  });
  await context.close();
}
