/** A soft two-note ring made by Web Audio: no file to load, nothing for a host page's policy to refuse. */

const PERIOD_MS = 2_400;
const NOTES: readonly (readonly [frequency: number, at: number])[] = [
  [784, 0],
  [659, 0.22],
  [784, 0.5],
  [659, 0.72],
];

export class RingTone {
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;

  start(): void {
    if (this.#timer !== null || typeof AudioContext === 'undefined') return;
    const context = new AudioContext();
    this.#context = context;
    // Without a click on the page before, a browser keeps it suspended: then the card alone calls attention.
    context.resume().catch(() => undefined);
    const play = (): void => {
      if (context.state === 'running') this.#ring(context);
    };
    play();
    this.#timer = setInterval(play, PERIOD_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#context?.close().catch(() => undefined);
    this.#context = null;
  }

  #ring(context: AudioContext): void {
    for (const [frequency, at] of NOTES) {
      const begin = context.currentTime + at;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.type = 'sine';
      oscillator.frequency.value = frequency;
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(0.12, begin + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, begin + 0.2);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(begin);
      oscillator.stop(begin + 0.22);
    }
  }
}

/** One soft note for a message, where a ring would be too much. */
export function chime(): void {
  if (typeof AudioContext === 'undefined') return;
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = 880;
  gain.gain.setValueAtTime(0.08, context.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.25);
  oscillator.connect(gain).connect(context.destination);
  oscillator.onended = () => void context.close();
  if (context.state !== 'running') {
    // Nobody has clicked on the page yet: browsers keep it silent.
    void context.close();
    return;
  }
  oscillator.start();
  oscillator.stop(context.currentTime + 0.26);
}
