/**
 * The check of devices and network before a call: microphone, camera, and the way media takes to the server and back, over
 * the two connections a call has. Nothing is tried twice here: that something fails is a result.
 */
import type { DeviceProblem, IceServerView, NotificationMap, PersonView } from '@/protocol/messages';
import { SignalingConnection, type ConnectionOptions, type ConnectionStatus } from '@/signaling/connection';
import { RequestError } from '@/signaling/errors';
import { audioPackets, bytesReceived, figuresOf, framesDecoded, pathOf, settled, type NetworkFigures, type Path } from './check_figures';
import { captureDevice, captureDevices, CaptureError, type DeviceKind } from './devices';
import { Publisher } from './publisher';
import type { Preferences } from './preferences';
import { LinkSampler } from './quality';
import { Store } from './store';
import { Subscriber, type RemoteTrack } from './subscriber';
import { TestPicture } from './test_picture';

export type NetworkPhase = 'waiting' | 'connecting' | 'measuring' | 'done' | 'failed';
/** `no_path`: no packet got through; `refused`: the server said no, in `sentence`. */
export type NetworkFailure = 'offline' | 'no_path' | 'refused' | 'broken';

export interface CheckState {
  readonly connection: ConnectionStatus;
  readonly me: PersonView | null;
  readonly capturing: boolean;
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
  readonly problems: Partial<Record<DeviceKind, DeviceProblem>>;
  /** What one sent has come back from the server. */
  readonly soundBack: boolean;
  readonly pictureBack: boolean;
  readonly network: NetworkPhase;
  readonly failure: NetworkFailure | null;
  /** The server's own sentence for a refusal. */
  readonly sentence: string;
  /** 0 to 1. */
  readonly progress: number;
  readonly path: Path | null;
  readonly figures: NetworkFigures | null;
}

export const INITIAL_CHECK_STATE: CheckState = {
  connection: { state: 'idle', reason: null },
  me: null,
  capturing: false,
  microphone: null,
  camera: null,
  problems: {},
  soundBack: false,
  pictureBack: false,
  network: 'waiting',
  failure: null,
  sentence: '',
  progress: 0,
  path: null,
  figures: null,
};

const CONNECT_MS = 20_000;
/** One's own picture and sound are given so long to come back before the measurement. */
const ECHO_MS = 6_000;
const SAMPLE_MS = 500;
const MEASURE_MIN_MS = 8_000;
const MEASURE_MAX_MS = 14_000;
/** While the sender's estimate finds the line, loss and rate say nothing of it. */
const RAMP_MS = 2_500;
const SENDER = 'sender';

class Failed extends Error {
  readonly failure: NetworkFailure;

  constructor(failure: NetworkFailure, sentence = '') {
    super(sentence);
    this.failure = failure;
  }
}

/** One run of the network part. */
interface Run {
  readonly checkId: string;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly ended: AbortController;
  readonly serverFigures: NotificationMap['check.figures'][];
  remote: readonly RemoteTrack[];
}

export class CheckClient {
  readonly state = new Store<CheckState>(INITIAL_CHECK_STATE);
  readonly preferences: Preferences;
  readonly #connection: SignalingConnection;
  readonly #iceTransportPolicy: RTCIceTransportPolicy;
  #run: Run | null = null;
  /** A muted element: a browser decodes only what is played somewhere. */
  #sink: HTMLAudioElement | null = null;

  constructor(options: { connection: Omit<ConnectionOptions, 'scope'>; preferences: Preferences; iceTransportPolicy: RTCIceTransportPolicy }) {
    this.preferences = options.preferences;
    this.#iceTransportPolicy = options.iceTransportPolicy;
    this.#connection = new SignalingConnection({ ...options.connection, scope: 'check' });
    this.#connection.on('status', (connection) => this.#set({ connection }));
    this.#connection.on('session.welcome', ({ person }) => this.#set({ me: person }));
    this.#connection.on('media.slot', (change) => {
      if (change.interaction_id === this.#run?.checkId) this.#run.subscriber.setSlot(change);
    });
    this.#connection.on('check.figures', (figures) => {
      if (figures.check_id === this.#run?.checkId) this.#run.serverFigures.push(figures);
    });
    this.#connection.on('check.ended', ({ check_id }) => {
      if (check_id === this.#run?.checkId) this.#run.ended.abort();
    });
  }

  open(): void {
    this.#connection.open();
  }

  close(): void {
    this.#endRun();
    this.#releaseDevices();
    this.#connection.close();
  }

  /** Called from a click: asks for the devices, then tries the network with whatever they gave. Never rejects. */
  async start(): Promise<void> {
    this.#endRun();
    this.#releaseDevices();
    this.state.update((state) => ({ ...INITIAL_CHECK_STATE, connection: state.connection, me: state.me, capturing: true }));
    const { microphone, camera, problems } = await captureDevices(this.preferences);
    this.#set({ capturing: false, microphone, camera, problems });
    for (const [kind, track] of [['microphone', microphone], ['camera', camera]] as const) this.#watch(kind, track);
    await this.tryNetwork();
  }

  /** The network part, again. Never rejects. */
  async tryNetwork(): Promise<void> {
    this.#endRun();
    this.#set({ network: 'connecting', failure: null, sentence: '', progress: 0, path: null, figures: null, soundBack: false, pictureBack: false });
    try {
      const figures = await this.#measure();
      this.#set({ network: 'done', figures, progress: 1 });
    } catch (error) {
      const failed = error instanceof Failed ? error : new Failed('broken');
      this.#set({ network: 'failed', failure: failed.failure, sentence: failed.message });
    } finally {
      this.#endRun();
    }
  }

  /** Another microphone or camera; kept for calls too. */
  async change(kind: DeviceKind, deviceId: string): Promise<void> {
    this.preferences.setDevice(kind, deviceId);
    // Stopped first: many cameras serve one capture at a time.
    this.state.get()[kind]?.stop();
    const problems = { ...this.state.get().problems };
    try {
      const track = await captureDevice(kind, this.preferences);
      Reflect.deleteProperty(problems, kind);
      this.#set({ [kind]: track, problems });
      this.#watch(kind, track);
      if (this.state.get().network === 'connecting') await this.#run?.publisher.set({ [kind]: track }).catch(() => undefined);
    } catch (error) {
      this.#set({ [kind]: null, problems: { ...problems, [kind]: error instanceof CaptureError ? error.problem : 'unsupported' } });
    }
  }

  async #measure(): Promise<NetworkFigures> {
    const run = await this.#begin();
    await this.#connect(run);
    const path = await this.#readPath(run);
    this.#set({ path });
    await this.#echo(run);
    this.#set({ network: 'measuring' });
    return await this.#load(run, path);
  }

  async #begin(): Promise<Run> {
    const started = await this.#connection.request('check.start', {}).catch((error: unknown) => {
      if (error instanceof RequestError && error.code !== 'offline' && error.code !== 'timeout') throw new Failed('refused', error.message);
      throw new Failed('offline');
    });
    const link = {
      interactionId: started.check_id,
      signaling: { request: this.#connection.request.bind(this.#connection) },
      iceServers: (): readonly IceServerView[] => started.ice_servers,
      iceTransportPolicy: this.#iceTransportPolicy,
    };
    const run: Run = {
      checkId: started.check_id,
      publisher: new Publisher({ ...link, onConnectionState: () => undefined }),
      subscriber: new Subscriber({
        ...link,
        onConnectionState: () => undefined,
        onTracks: (remote) => {
          run.remote = remote;
          this.#playSilently(remote);
        },
      }),
      ended: new AbortController(),
      serverFigures: [],
      remote: [],
    };
    this.#run = run;
    return run;
  }

  async #connect(run: Run): Promise<void> {
    const { microphone, camera } = this.state.get();
    run.subscriber.setView(SENDER, 'camera', 640, 360);
    run.subscriber.setView(SENDER, 'screen', 1280, 720);
    try {
      await Promise.all([
        run.subscriber.open(),
        microphone === null && camera === null
          ? run.publisher.warmUp()
          : run.publisher.set({ ...(microphone === null ? {} : { microphone }), ...(camera === null ? {} : { camera }) }),
      ]);
    } catch (error) {
      if (error instanceof RequestError && error.code === 'media_unavailable') throw new Failed('refused', error.message);
      throw new Failed('broken');
    }
    const connected = (): boolean => [run.publisher.connection, run.subscriber.connection].every((one) => one?.connectionState === 'connected');
    await this.#until(run, connected, CONNECT_MS, () => this.#tick(0.25));
    if (!connected()) throw new Failed('no_path');
  }

  async #readPath(run: Run): Promise<Path> {
    const { connection } = run.publisher;
    const path = connection === null ? null : pathOf(await valuesOf(connection));
    if (path === null) throw new Failed('no_path');
    return path;
  }

  /** Until one's own picture and sound came back, or it took too long. */
  async #echo(run: Run): Promise<void> {
    const { microphone, camera } = this.state.get();
    const look = async (): Promise<boolean> => {
      const { connection } = run.subscriber;
      if (connection === null) return false;
      const stats = await valuesOf(connection);
      this.#set({ pictureBack: framesDecoded(stats) >= 5, soundBack: audioPackets(stats) >= 5 });
      const { pictureBack, soundBack } = this.state.get();
      return (pictureBack || camera === null) && (soundBack || microphone === null);
    };
    await this.#until(run, look, ECHO_MS, () => this.#tick(0.4));
  }

  /** The test picture instead of the camera, until the rate settles. */
  async #load(run: Run, path: Path): Promise<NetworkFigures> {
    const picture = new TestPicture();
    const began = performance.now();
    const rtts: number[] = [];
    const lossesUp: number[] = [];
    const lossesDown: number[] = [];
    const downs: number[] = [];
    const upSampler = new LinkSampler();
    const downSampler = new LinkSampler();
    let before: { bytes: number; at: number } | null = null;
    const atServer = (): NotificationMap['check.figures'][] => run.serverFigures.filter(({ transport }) => transport === 'publish');
    const passed = (): number => performance.now() - began;
    try {
      await run.publisher.set({ camera: null, screen: picture.track });
      const known = atServer().length;
      // The first of the server's figures is partly of the time before.
      const ups = (): number[] => atServer().slice(known + 1).map(({ bitrate_in }) => bitrate_in);
      const sample = async (): Promise<boolean> => {
        const [publish, subscribe] = [run.publisher.connection, run.subscriber.connection];
        if (publish === null || subscribe === null) throw new Failed('no_path');
        const [sent, received] = [await valuesOf(publish), await valuesOf(subscribe)];
        const now = { bytes: bytesReceived(received), at: performance.now() };
        const up = upSampler.sample(sent);
        const down = downSampler.sample(received);
        if (passed() >= RAMP_MS) {
          if (up.rttMs !== null) rtts.push(up.rttMs);
          lossesUp.push(up.loss);
          lossesDown.push(down.loss);
        }
        if (before === null || now.at - before.at >= 4 * SAMPLE_MS) {
          if (before !== null) downs.push(((now.bytes - before.bytes) * 8_000) / (now.at - before.at));
          before = now;
        }
        this.#set({ progress: 0.4 + 0.6 * Math.min(1, passed() / MEASURE_MIN_MS) });
        return passed() >= MEASURE_MIN_MS && settled(ups()) && settled(downs);
      };
      await this.#until(run, sample, MEASURE_MAX_MS, () => undefined);
      if ([run.publisher.connection, run.subscriber.connection].some((one) => one?.connectionState === 'failed')) throw new Failed('no_path');
      const estimate = run.serverFigures.filter(({ transport }) => transport === 'subscribe').at(-1)?.estimate ?? null;
      return figuresOf({ path, rtts, lossesUp, lossesDown, ups: ups(), downs, estimate });
    } finally {
      picture.stop();
    }
  }

  /** Looks every half second until it is so, or `withinMs` have passed. Rejects when the check was ended. */
  async #until(run: Run, is: () => boolean | Promise<boolean>, withinMs: number, otherwise: () => void): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await is()) && performance.now() < end) {
      if (run.ended.signal.aborted) throw new Failed(this.#connection.status.state === 'online' ? 'broken' : 'offline');
      otherwise();
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  }

  /** On towards a share of the whole, slower and slower. */
  #tick(towards: number): void {
    const { progress } = this.state.get();
    if (progress < towards) this.#set({ progress: progress + (towards - progress) * 0.12 });
  }

  #playSilently(remote: readonly RemoteTrack[]): void {
    const audio = remote.find(({ track }) => track.kind === 'audio');
    if (audio === undefined || this.#sink?.srcObject === audio.stream) return;
    this.#sink = new Audio();
    this.#sink.muted = true;
    this.#sink.srcObject = audio.stream;
    this.#sink.play().catch(() => undefined);
  }

  #watch(kind: DeviceKind, track: MediaStreamTrack | null): void {
    track?.addEventListener('ended', () => {
      if (this.state.get()[kind] !== track) return;
      this.#set({ [kind]: null, problems: { ...this.state.get().problems, [kind]: 'capture_ended' } });
    });
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = null;
    if (run === null) return;
    run.ended.abort();
    run.publisher.close();
    run.subscriber.close();
    if (this.#sink !== null) this.#sink.srcObject = null;
    this.#sink = null;
    this.#connection.request('check.end', { check_id: run.checkId }).catch(() => undefined);
  }

  #releaseDevices(): void {
    const { microphone, camera } = this.state.get();
    this.#set({ microphone: null, camera: null });
    microphone?.stop();
    camera?.stop();
  }

  #set(part: Partial<CheckState>): void {
    this.state.update((state) => ({ ...state, ...part }));
  }
}

type AnyStats = Record<string, unknown> & { type: string; id: string };

async function valuesOf(connection: RTCPeerConnection): Promise<AnyStats[]> {
  return [...(await connection.getStats()).values()] as AnyStats[];
}
