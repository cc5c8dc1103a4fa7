/** The media of one interaction: carries out the plan with two connections and the captured devices. */
import type { IceServerView, InteractionView, MediaView, NotificationMap, PersonView, Source } from '@/protocol/messages';
import { RequestError } from '@/signaling/errors';
import { AudioOutput } from './audio_output';
import type { Mark } from './debug';
import type { DeviceKind } from './devices';
import type { LinkSignaling } from './link';
import { LocalDevices } from './local_devices';
import { LocalScreen } from './local_screen';
import { FrozenPictures } from './frozen';
import { interactionProblems, type ProblemReports } from './problem_reports';
import { NO_MEDIA, planMedia, type MediaPlan } from './media_plan';
import { INITIAL_MEDIA_STATE, type MediaState } from './media_state';
import type { Preferences } from './preferences';
import { Publisher } from './publisher';
import { LinkSampler, SAMPLE_INTERVAL_MS, score, type Quality } from './quality';
import { LinkRecovery, type RecoveryState } from './recovery';
import { received, Silence } from './silence';
import { Store } from './store';
import { Subscriber, type RemoteTrack } from './subscriber';

const RETRY_MS = 1_500;
/** So long after the signalling line has come back, silence of media is taken for the same loss sooner. */
const SUSPECT_MS = 10_000;
/** A server answers a restart within some ten milliseconds; over a bad line one segment may have to be sent again (RFC 6298 §2). */
const NO_ANSWER_MS = 1_200;

export interface MediaRoomOptions {
  readonly interactionId: string;
  readonly signaling: LinkSignaling;
  readonly iceServers: () => readonly IceServerView[];
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  readonly preferences: Preferences;
  readonly mark: Mark;
  /** Whom to tell that something cannot be captured; without it, whoever is in the interaction. */
  readonly problems?: ProblemReports;
  /** Whether somebody sends pictures of their camera now, as the server tells it. */
  readonly sends: (publisherId: string) => boolean;
  /** Neither media nor an answer comes: the signalling line is as dead, and has not noticed. */
  readonly onNoAnswer: () => void;
}

/** The media of an interaction, or of a meeting. */
export class MediaRoom {
  readonly interactionId: string;
  readonly state = new Store<MediaState>(INITIAL_MEDIA_STATE);
  readonly devices: LocalDevices;
  readonly screen: LocalScreen;
  readonly #options: MediaRoomOptions;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #publishRecovery: LinkRecovery;
  readonly #subscribeRecovery: LinkRecovery;
  readonly #audio: AudioOutput;
  #plan: MediaPlan = NO_MEDIA;
  #online = true;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #sampleTimer: ReturnType<typeof setInterval> | null = null;
  #publishSampler = new LinkSampler();
  #subscribeSampler = new LinkSampler();
  readonly #silences = { publish: new Silence(), subscribe: new Silence() };
  #suspectUntil = 0;
  readonly #frozen = new FrozenPictures();
  /** Cameras nobody here looks at: nothing is sent for them. */
  readonly #hidden = new Set<string>();
  readonly #onNetworkBack = (): void => {
    this.#publishRecovery.onNetworkChanged();
    this.#subscribeRecovery.onNetworkChanged();
  };

  constructor(options: MediaRoomOptions) {
    this.#options = options;
    this.interactionId = options.interactionId;
    const link = {
      interactionId: options.interactionId,
      signaling: options.signaling,
      iceServers: options.iceServers,
      iceTransportPolicy: options.iceTransportPolicy,
    };
    this.#publisher = new Publisher({
      ...link,
      onConnectionState: (state) => {
        if (state === null || state === 'new') this.#silences.publish.reset();
        this.#publishRecovery.onConnectionState(state);
      },
    });
    this.#subscriber = new Subscriber({
      ...link,
      onConnectionState: (state) => {
        if (state === null || state === 'new') this.#silences.subscribe.reset();
        this.#subscribeRecovery.onConnectionState(state);
      },
      onTracks: (tracks) => {
        this.#onRemoteTracks(tracks);
      },
    });
    this.#publishRecovery = new LinkRecovery({
      restartIce: () => this.#answered(this.#publisher.restartIce()),
      rebuild: () => this.#publisher.rebuild(),
      onState: (publish) => {
        this.#set({ publish });
      },
    });
    this.#subscribeRecovery = new LinkRecovery({
      restartIce: () => this.#answered(this.#subscriber.restartIce()),
      rebuild: () => this.#subscriber.rebuild(),
      onState: (subscribe) => {
        this.#set({ subscribe });
      },
    });
    this.#audio = new AudioOutput((audioBlocked) => {
      this.#set({ audioBlocked });
    });
    const local = {
      interactionId: options.interactionId,
      signaling: options.signaling,
      publisher: this.#publisher,
      mark: options.mark,
      problems: options.problems ?? interactionProblems(options.interactionId, options.signaling),
      change: (part: Partial<MediaState>) => {
        this.#set(part);
      },
    };
    this.devices = new LocalDevices({ ...local, preferences: options.preferences });
    this.screen = new LocalScreen(local);
    window.addEventListener('online', this.#onNetworkBack);
  }

  get publishConnection(): RTCPeerConnection | null {
    return this.#publisher.connection;
  }

  get subscribeConnection(): RTCPeerConnection | null {
    return this.#subscriber.connection;
  }

  /** Called with every change of the interaction; does only what is not done yet. */
  apply(me: PersonView, view: InteractionView): void {
    const own = view.members.find((member) => member.person_id === me.person_id);
    const guest = own?.guest_of == null ? null : { inCall: own.in_call };
    this.follow(planMedia(me.role, view, { supervision: own?.supervision, guest }), own?.media ?? []);
  }

  /** `published` is what the server knows of one's own sources. */
  follow(plan: MediaPlan, published: readonly MediaView[]): void {
    this.#plan = plan;
    this.devices.follow(plan.sources, published);
    this.screen.follow(plan.sources);
    this.#reconcile();
  }

  setOnline(online: boolean): void {
    if (online && !this.#online) this.#suspectUntil = performance.now() + SUSPECT_MS;
    this.#online = online;
    this.#publishRecovery.setOnline(online);
    this.#subscribeRecovery.setOnline(online);
    if (online) this.#reconcile();
  }

  onSlot(change: NotificationMap['media.slot']): void {
    this.#subscriber.setSlot(change);
  }

  onLayersWanted({ source, rids }: NotificationMap['media.layers_wanted']): void {
    // A connection that was closed meanwhile needs no layers.
    this.#publisher.wantLayers(source, rids).catch(() => undefined);
  }

  onTransport({ transport, state }: NotificationMap['media.transport']): void {
    if (state !== 'failed') return;
    (transport === 'publish' ? this.#publishRecovery : this.#subscribeRecovery).onServerFailed();
  }

  onServerForgot(): void {
    this.#publishRecovery.onServerForgot();
    this.#subscribeRecovery.onServerForgot();
  }

  setView(publisherId: string, source: Source, width: number, height: number): void {
    const key = `${publisherId}:${source}`;
    if (width * height > 0) this.#hidden.delete(key);
    else this.#hidden.add(key);
    this.#subscriber.setView(publisherId, source, width, height);
  }

  changeDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    return this.devices.change(kind, deviceId);
  }

  unblockAudio(): void {
    this.#audio.unblock();
  }

  close(): void {
    window.removeEventListener('online', this.#onNetworkBack);
    this.follow(NO_MEDIA, []);
  }

  #reconcile(): void {
    const { publish, subscribe } = this.#plan;
    if (!publish) this.#closePublisher();
    if (!subscribe) this.#closeSubscriber();
    if (this.#online) {
      if (publish && this.#publisher.connection === null && this.#publishRecovery.state === 'off') {
        this.#attempt(this.#publisher.warmUp());
      }
      if (subscribe && this.#subscriber.connection === null && this.#subscribeRecovery.state === 'off') {
        this.#attempt(this.#subscriber.open());
      }
    }
    this.#sample(publish || subscribe);
  }

  #attempt(opening: Promise<void>): void {
    opening.catch((error: unknown) => {
      // The interaction ended meanwhile, or one is no member any more: the next view says so.
      if (error instanceof RequestError && ['not_found', 'not_a_member', 'interaction_closed', 'meeting_ended'].includes(error.code)) return;
      if (this.#retryTimer !== null) return;
      this.#retryTimer = setTimeout(() => {
        this.#retryTimer = null;
        this.#reconcile();
      }, RETRY_MS);
    });
  }

  async #answered(restarting: Promise<void>): Promise<void> {
    const timer = setTimeout(() => {
      if (this.#online) this.#options.onNoAnswer();
    }, NO_ANSWER_MS);
    try {
      await restarting;
    } finally {
      clearTimeout(timer);
    }
  }

  #closePublisher(): void {
    this.#publishRecovery.stop();
    this.#publisher.close();
  }

  #closeSubscriber(): void {
    this.#subscribeRecovery.stop();
    this.#subscriber.close();
  }

  #onRemoteTracks(remote: readonly RemoteTrack[]): void {
    for (const { publisherId, source, track } of this.state.get().remote) {
      if (!remote.some((one) => one.track === track)) this.#frozen.forget(`${publisherId}:${source}`);
    }
    this.#set({ remote });
    this.#audio.play(remote.filter((one) => one.track.kind === 'audio').map((one) => one.stream));
    for (const one of remote) this.#options.mark(`slot:${one.publisherId}:${one.source}`);
  }

  #sample(wanted: boolean): void {
    if (wanted === (this.#sampleTimer !== null)) return;
    if (this.#sampleTimer !== null) clearInterval(this.#sampleTimer);
    this.#sampleTimer = null;
    if (!wanted) {
      this.#set({ quality: null, frozen: new Set() });
      return;
    }
    this.#publishSampler = new LinkSampler();
    this.#subscribeSampler = new LinkSampler();
    this.#sampleTimer = setInterval(() => {
      void this.#measure();
    }, SAMPLE_INTERVAL_MS);
  }

  async #measure(): Promise<void> {
    const { publish, subscribe } = this.state.get();
    const qualities: Quality[] = [];
    for (const [connection, state, sampler, silence, recovery] of [
      [this.#publisher.connection, publish, this.#publishSampler, this.#silences.publish, this.#publishRecovery],
      [this.#subscriber.connection, subscribe, this.#subscribeSampler, this.#silences.subscribe, this.#subscribeRecovery],
    ] as const) {
      if (state === 'recovering') qualities.push(0);
      if (connection === null || state === 'off' || state === 'connecting') continue;
      const report = await connection.getStats();
      const now = performance.now();
      if (silence.observe(received(report.values() as Iterable<Record<string, unknown>>), now)) recovery.onHeard();
      else if (silence.isSilent(now, now < this.#suspectUntil)) recovery.onSilent();
      if (state !== 'connected') continue;
      qualities.push(score(sampler.sample(report.values() as Iterable<Record<string, unknown> & { type: string; id: string }>)));
    }
    this.#set({ quality: qualities.length === 0 ? null : (Math.min(...qualities) as Quality), frozen: this.#stillPictures(subscribe) });
  }

  /** Of cameras: a screen that does not change may send nothing. While one's own connection is away nothing is said of others. */
  #stillPictures(subscribe: RecoveryState): ReadonlySet<string> {
    const now = performance.now();
    for (const { publisherId, source, track } of this.state.get().remote) {
      const key = `${publisherId}:${source}`;
      const comes = subscribe === 'connected' && !this.#hidden.has(key) && this.#options.sends(publisherId);
      if (source === 'camera' && comes) this.#frozen.observe(key, this.#subscribeSampler.framesDecoded(track.id), now);
      else this.#frozen.forget(key);
    }
    return this.#frozen.at(now);
  }

  #set(part: Partial<MediaState>): void {
    this.state.update((state) => ({ ...state, ...part }));
  }
}
