/** One's own microphone and camera in a call. */
import type { DeviceProblem, MediaView, Source } from '@/protocol/messages';
import { captureDevice, captureDevices, captureMicrophone, CaptureError, type CapturedDevices, type DeviceKind } from './devices';
import type { LocalMediaOptions } from './local_screen';
import type { Preferences } from './preferences';

export interface LocalDevicesOptions extends LocalMediaOptions {
  readonly preferences: Preferences;
}

const PUBLISH_RETRY_MS = 1_000;
const NONE: CapturedDevices = { microphone: null, camera: null, problems: {} };

export class LocalDevices {
  readonly #options: LocalDevicesOptions;
  #captured: CapturedDevices = NONE;
  #capture: Promise<void> | null = null;
  #allowed = false;
  /** A supervisor speaks and is not seen: a camera would be outside what they may send. */
  #withCamera = true;
  #tried = false;
  /** The devices have answered, well or not. */
  #ready = false;
  #published = false;
  #muted = false;
  #cameraOff = false;
  #reported: DeviceProblem | null = null;

  constructor(options: LocalDevicesOptions) {
    this.#options = options;
  }

  /** Captures and publishes when the call allows it, releases when it is over. */
  follow(sources: ReadonlySet<Source>, published: readonly MediaView[]): void {
    const allowed = sources.has('microphone');
    if (allowed && !this.#allowed) {
      // After a reload the server still knows what was muted.
      this.#muted ||= published.some((one) => one.source === 'microphone' && one.muted);
      this.#cameraOff ||= published.some((one) => one.source === 'camera' && one.muted);
    }
    const ended = this.#allowed && !allowed;
    this.#allowed = allowed;
    if (ended) this.release();
    if (!allowed) return;
    if (!this.#tried) void this.capture({ camera: sources.has('camera') });
    else this.#publish();
  }

  /**
   * Asks for the devices; the click that accepts or starts a call does so at once, beside its request, so that the
   * call need not wait for one after the other. Again with what was asked for before, when nothing is said.
   */
  capture(what?: { camera: boolean }): Promise<void> {
    this.#tried = true;
    this.#withCamera = what?.camera ?? this.#withCamera;
    this.#capture ??= this.#run().finally(() => {
      this.#capture = null;
    });
    return this.#capture;
  }

  /** The call did not come about, or is over. */
  release(): void {
    for (const track of [this.#captured.microphone, this.#captured.camera]) track?.stop();
    this.#captured = NONE;
    this.#tried = false;
    this.#withCamera = true;
    this.#ready = false;
    this.#published = false;
    this.#reported = null;
    this.#muted = false;
    this.#cameraOff = false;
    this.#options.publisher.set({ microphone: null, camera: null }).catch(() => undefined);
    this.#show();
  }

  async setMuted(muted: boolean): Promise<void> {
    this.#muted = muted;
    if (this.#captured.microphone !== null) this.#captured.microphone.enabled = !muted;
    this.#show();
    await this.#tellMuted('microphone', muted);
  }

  /** Off really stops the device, so that its light goes out. */
  async setCameraOff(off: boolean): Promise<void> {
    this.#cameraOff = off;
    this.#show();
    if (off) {
      this.#captured.camera?.stop();
      this.#captured = { ...this.#captured, camera: null };
      this.#show();
      await Promise.all([this.#options.publisher.pause('camera'), this.#tellMuted('camera', true)]);
      return;
    }
    await this.#renew('camera');
    await this.#tellMuted('camera', this.#cameraOff);
  }

  /** Another microphone or camera; kept for the next time. */
  async change(kind: DeviceKind, deviceId: string): Promise<void> {
    this.#options.preferences.setDevice(kind, deviceId);
    if (!this.#allowed || (kind === 'camera' && this.#cameraOff)) return;
    await this.#renew(kind);
  }

  async #renew(kind: DeviceKind): Promise<void> {
    this.#options.change({ capturingDevices: true });
    const problems = { ...this.#captured.problems };
    try {
      // Stopped first: many cameras serve one capture at a time, and some phones one camera at a time.
      this.#captured[kind]?.stop();
      const track = await captureDevice(kind, this.#options.preferences);
      Reflect.deleteProperty(problems, kind);
      this.#captured = { ...this.#captured, [kind]: track, problems };
      this.#watch(kind, track);
      if (kind === 'microphone') track.enabled = !this.#muted;
      await this.#options.publisher.set({ [kind]: track });
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this.#captured = { ...this.#captured, [kind]: null, problems: { ...problems, [kind]: error.problem } };
      if (kind === 'camera') this.#cameraOff = true;
    } finally {
      this.#options.change({ capturingDevices: false });
      this.#show();
      this.#report();
    }
  }

  async #run(): Promise<void> {
    this.#options.change({ capturingDevices: true });
    const captured = await (this.#withCamera ? captureDevices : captureMicrophone)(this.#options.preferences);
    this.#options.mark('devices_captured');
    this.#options.change({ capturingDevices: false });
    if (!this.#tried) {
      captured.microphone?.stop();
      captured.camera?.stop();
      return;
    }
    this.#captured = captured;
    if (captured.microphone !== null) {
      captured.microphone.enabled = !this.#muted;
      this.#watch('microphone', captured.microphone);
    }
    if (captured.camera !== null) {
      if (this.#cameraOff) {
        captured.camera.stop();
        this.#captured = { ...captured, camera: null };
      } else {
        this.#watch('camera', captured.camera);
      }
    }
    this.#published = false;
    this.#ready = true;
    this.#show();
    if (this.#allowed) this.#publish();
  }

  #watch(kind: DeviceKind, track: MediaStreamTrack): void {
    track.addEventListener('ended', () => {
      if (this.#captured[kind] !== track) return;
      this.#captured = {
        ...this.#captured,
        [kind]: null,
        problems: { ...this.#captured.problems, [kind]: 'capture_ended' },
      };
      this.#options.publisher.pause(kind).catch(() => undefined);
      this.#show();
      this.#report();
    });
  }

  #publish(): void {
    if (this.#published || !this.#ready) return;
    this.#published = true;
    this.#report();
    const { microphone, camera } = this.#captured;
    if (microphone === null && camera === null) return;
    this.#options.publisher
      .set({ ...(microphone === null ? {} : { microphone }), ...(camera === null ? {} : { camera }) })
      .then(
        () => {
          this.#options.mark('devices_published');
        },
        () => {
          this.#published = false;
          // Offline, or the grant is not there yet: as long as the call lives, it is tried again.
          setTimeout(() => {
            if (this.#allowed) this.#publish();
          }, PUBLISH_RETRY_MS);
        },
      );
  }

  /** Without a microphone one cannot talk: the others should know why. A missing camera shows by itself. */
  #report(): void {
    if (!this.#allowed) return;
    const problem = this.#captured.problems.microphone ?? null;
    if (problem === this.#reported) return;
    this.#reported = problem;
    this.#options.signaling
      .request('call.problem', { interaction_id: this.#options.interactionId, problem })
      .catch(() => undefined);
  }

  async #tellMuted(source: Source, muted: boolean): Promise<void> {
    await this.#options.signaling.request('media.mute', {
      interaction_id: this.#options.interactionId,
      source,
      muted,
    });
  }

  #show(): void {
    const { microphone, camera, problems } = this.#captured;
    this.#options.change({
      camera: camera === null ? null : new MediaStream([camera]),
      hasMicrophone: microphone !== null,
      microphoneMuted: this.#muted,
      cameraOff: this.#cameraOff || (camera === null && problems.camera !== undefined),
      deviceProblems: problems,
    });
  }
}
