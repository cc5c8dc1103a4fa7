import type { SlotView, Source } from '@/protocol/messages';
import { CandidateTrickle, createPeerConnection, Lifetime, Sequence, type LinkOptions, type SlotChange } from './link';

/** A track of somebody else, as it arrives in a receive slot. */
export interface RemoteTrack {
  readonly publisherId: string;
  readonly source: Source;
  readonly track: MediaStreamTrack;
  /** Holds just this track; the same object as long as the slot carries the same. */
  readonly stream: MediaStream;
}

export interface SubscriberOptions extends LinkOptions {
  readonly onTracks: (tracks: readonly RemoteTrack[]) => void;
}

const keyOf = (publisherId: string, source: Source): string => `${publisherId}\n${source}`;

/** The connection that receives: the server offers fixed slots, and says what each carries. */
export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #jobs = new Sequence();
  readonly #slots = new Map<string, SlotView>();
  readonly #received = new Map<string, MediaStreamTrack>();
  readonly #remote = new Map<string, RemoteTrack>();
  readonly #views = new Map<string, { width: number; height: number }>();
  readonly #telling = new Set<string>();
  #connection: RTCPeerConnection | null = null;
  #trickle: CandidateTrickle | null = null;
  #negotiated = false;
  #life = new Lifetime();

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  get connection(): RTCPeerConnection | null {
    return this.#connection;
  }

  open(): Promise<void> {
    const life = this.#life;
    return this.#jobs.run(async () => {
      if (this.#connection === null && !life.ended) await this.#negotiate(true);
    });
  }

  restartIce(): Promise<void> {
    return this.#jobs.run(async () => {
      if (this.#connection !== null) await this.#negotiate(false);
    });
  }

  rebuild(): Promise<void> {
    return this.#jobs.run(async () => {
      this.#drop();
      await this.#negotiate(true);
    });
  }

  close(): void {
    this.#drop();
  }

  setSlot({ mid, publisher_id, source }: SlotChange): void {
    this.#slots.set(mid, { mid, publisher_id, source });
    this.#publishTracks();
  }

  /** How large a track is shown, in device pixels. Said again only when it changes. */
  setView(publisherId: string, source: Source, width: number, height: number): void {
    const key = keyOf(publisherId, source);
    const before = this.#views.get(key);
    if (before?.width === width && before.height === height) return;
    this.#views.set(key, { width, height });
    void this.#sendView(publisherId, source);
  }

  /** One request a track at a time: turning pages quickly makes requests wait their turn, and the size said first must not arrive last. */
  async #sendView(publisherId: string, source: Source): Promise<void> {
    const key = keyOf(publisherId, source);
    if (this.#telling.has(key)) return;
    this.#telling.add(key);
    for (;;) {
      const view = this.#views.get(key);
      // Before the server has offered it knows no receiver; all views are said right after.
      if (view === undefined || !this.#negotiated) break;
      const kept = await this.#options.signaling
        .request('media.view', {
          interaction_id: this.#options.interactionId,
          publisher_id: publisherId,
          source,
          width: Math.min(8192, Math.round(view.width)),
          height: Math.min(8192, Math.round(view.height)),
        })
        .then(
          () => true,
          () => false,
        );
      if (this.#views.get(key) !== view) continue;
      // What was not taken is said again with the next size or the next connection.
      if (!kept) this.#views.delete(key);
      break;
    }
    this.#telling.delete(key);
  }

  /** All of them, to a receiver the server knows nothing of yet. */
  #sendViews(): void {
    for (const [key, view] of [...this.#views]) {
      const [publisherId = '', source = ''] = key.split('\n');
      // Another object: what is under way was said of the connection before.
      this.#views.set(key, { ...view });
      void this.#sendView(publisherId, source as Source);
    }
  }

  async #negotiate(fresh: boolean): Promise<void> {
    const interaction = { interaction_id: this.#options.interactionId };
    const { signaling } = this.#options;
    const life = this.#life;
    const offer = await life.of(signaling.request('media.subscribe', { ...interaction, fresh }));
    const iceServers = offer.ice_servers.length > 0 ? offer.ice_servers : this.#options.iceServers();
    const connection = this.#connection ?? this.#create(iceServers);
    this.#trickle?.hold();
    try {
      this.#slots.clear();
      offer.slots.forEach((slot) => this.#slots.set(slot.mid, slot));
      await life.of(connection.setRemoteDescription({ type: 'offer', sdp: offer.sdp }));
      await life.of(connection.setLocalDescription(await life.of(connection.createAnswer())));
      await life.of(signaling.request('media.answer', { ...interaction, sdp: connection.localDescription?.sdp ?? '' }));
      this.#negotiated = true;
      this.#trickle?.open();
      this.#publishTracks();
      if (fresh) this.#sendViews();
    } catch (error) {
      if (this.#connection === connection) this.#drop();
      throw error;
    }
  }

  #create(iceServers: LinkOptions['iceServers'] extends () => infer Servers ? Servers : never): RTCPeerConnection {
    const connection = createPeerConnection(this.#options, iceServers);
    const trickle = new CandidateTrickle((candidate) =>
      this.#options.signaling.request('media.candidate', {
        interaction_id: this.#options.interactionId,
        transport: 'subscribe',
        candidate,
      }),
    );
    connection.addEventListener('icecandidate', (event) => {
      trickle.add(event);
    });
    connection.addEventListener('connectionstatechange', () => {
      if (this.#connection === connection) this.#options.onConnectionState(connection.connectionState);
    });
    connection.addEventListener('track', (event) => {
      const { mid } = event.transceiver;
      if (this.#connection !== connection || mid === null) return;
      this.#received.set(mid, event.track);
      this.#publishTracks();
    });
    this.#connection = connection;
    this.#trickle = trickle;
    this.#options.onConnectionState('new');
    return connection;
  }

  /** Slots with something in them and a track to show it; streams stay the same objects while nothing changes. */
  #publishTracks(): void {
    const next = new Map<string, RemoteTrack>();
    for (const { mid, publisher_id, source } of this.#slots.values()) {
      const track = this.#received.get(mid);
      if (publisher_id == null || source == null || track === undefined) continue;
      const key = keyOf(publisher_id, source);
      const before = this.#remote.get(key);
      next.set(
        key,
        before?.track === track
          ? before
          : { publisherId: publisher_id, source, track, stream: new MediaStream([track]) },
      );
    }
    const unchanged = next.size === this.#remote.size && [...next].every(([key, one]) => this.#remote.get(key) === one);
    this.#remote.clear();
    next.forEach((one, key) => this.#remote.set(key, one));
    if (unchanged) return;
    this.#options.onTracks([...next.values()]);
  }

  #drop(): void {
    const connection = this.#connection;
    this.#life.end();
    this.#life = new Lifetime();
    this.#connection = null;
    this.#negotiated = false;
    this.#trickle = null;
    this.#slots.clear();
    this.#received.clear();
    connection?.close();
    this.#publishTracks();
    if (connection !== null) this.#options.onConnectionState(null);
  }
}
