/** The microphone as a stream of 16 kHz samples. */
import { captureDevice, CaptureError } from '@/session/devices';
import type { Preferences } from '@/session/preferences';
import { loudness, Resampler } from './resample';

const WORKLET = '/assets/microphone_1.js';

export interface MicrophoneEvents {
  /** Some 40 ms of sound, and how loud it was (0 to 1). */
  readonly sound: (samples: Int16Array<ArrayBuffer>, level: number) => void;
  /** The device was taken away. */
  readonly lost: () => void;
}

export class Microphone {
  readonly #context: AudioContext;
  readonly #track: MediaStreamTrack;

  private constructor(context: AudioContext, track: MediaStreamTrack) {
    this.#context = context;
    this.#track = track;
  }

  /** `server`: origin the worklet comes from. To be called from a click. Rejects with `CaptureError`. */
  static async open(server: string, preferences: Preferences, events: MicrophoneEvents): Promise<Microphone> {
    if (typeof AudioContext === 'undefined' || typeof AudioWorkletNode === 'undefined') throw new CaptureError('unsupported');
    const context = new AudioContext();
    let track: MediaStreamTrack | null = null;
    try {
      if (context.audioWorklet === undefined) throw new CaptureError('unsupported');
      track = await captureDevice('microphone', preferences);
      await context.audioWorklet.addModule(new URL(WORKLET, server).href);
      await context.resume();
    } catch (error) {
      track?.stop();
      context.close().catch(() => undefined);
      throw error instanceof CaptureError ? error : new CaptureError('unsupported');
    }
    const node = new AudioWorkletNode(context, 'microphone', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    const resampler = new Resampler(context.sampleRate);
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      events.sound(resampler.push(data), loudness(data));
    };
    track.addEventListener('ended', events.lost);
    context.createMediaStreamSource(new MediaStream([track])).connect(node);
    return new Microphone(context, track);
  }

  close(): void {
    this.#track.stop();
    this.#context.close().catch(() => undefined);
  }
}
