import type { PublishedTrack, Source } from '@/protocol/messages';
import { activateLayers, encodingsOf, tuneSender } from './encodings';
import { CandidateTrickle, createPeerConnection, Lifetime, Sequence, type LinkOptions } from './link';
import { withOpusFecAndDtx, withStartBitrate } from './sdp';

const START_BITRATE_KBPS = 1_500;

/** Offered in this order, so that m-lines stand the same way in every offer of a kind. */
const ORDER: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];
const isAudio = (source: Source): boolean => source === 'microphone' || source === 'screen_audio';

/**
 * The connection that sends. It knows what should be sent (`#wanted`) and makes the peer connection so; after a
 * failure a new peer connection is made from the same wish.
 */
export class Publisher {
  readonly #options: LinkOptions;
  readonly #jobs = new Sequence();
  /** Null: the m-line goes on sending nothing (camera off). */
  readonly #wanted = new Map<Source, MediaStreamTrack | null>();
  #connection: RTCPeerConnection | null = null;
  #transceivers = new Map<Source, RTCRtpTransceiver>();
  #trickle: CandidateTrickle | null = null;
  /** The server has never answered this peer connection. */
  #fresh = true;
  #life = new Lifetime();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get connection(): RTCPeerConnection | null {
    return this.#connection;
  }

  /** ICE and DTLS before there is anything to send: one inactive m-line. */
  warmUp(): Promise<void> {
    const life = this.#life;
    return this.#jobs.run(async () => {
      if (this.#connection === null && !life.ended) await this.#negotiate();
    });
  }

  /**
   * Sends these tracks and no others of the sources named; null stops a source. One offer for all of them. A track in
   * place of another of the same source goes without an offer (RTCRtpSender.replaceTrack).
   */
  set(tracks: Partial<Record<Source, MediaStreamTrack | null>>): Promise<void> {
    for (const source of ORDER) {
      const track = tracks[source];
      if (track === undefined) continue;
      if (track === null) this.#wanted.delete(source);
      else this.#wanted.set(source, track);
    }
    return this.#jobs.run(() => this.#apply());
  }

  /** Takes the track away without an offer, so that turning it on again needs none either. */
  pause(source: Source): Promise<void> {
    if (this.#wanted.has(source)) this.#wanted.set(source, null);
    return this.#jobs.run(() => this.#apply());
  }

  /** Of this source anybody looks at these simulcast layers only. Holds for the present peer connection: another begins with all. */
  wantLayers(source: Source, rids: readonly string[]): Promise<void> {
    const connection = this.#connection;
    const life = this.#life;
    return this.#jobs.run(async () => {
      const transceiver = this.#transceivers.get(source);
      if (connection === null || this.#connection !== connection || transceiver === undefined) return;
      await life.of(activateLayers(transceiver.sender, rids));
    });
  }

  restartIce(): Promise<void> {
    return this.#jobs.run(async () => {
      if (this.#connection === null) return;
      this.#connection.restartIce();
      await this.#negotiate();
    });
  }

  /** A new peer connection that sends what the old one did. */
  rebuild(): Promise<void> {
    return this.#jobs.run(async () => {
      this.#drop();
      await this.#negotiate();
    });
  }

  close(): void {
    this.#wanted.clear();
    this.#drop();
  }

  async #apply(): Promise<void> {
    const life = this.#life;
    let changed = this.#connection === null && this.#wanted.size > 0;
    for (const source of ORDER) {
      const wanted = this.#wanted.has(source);
      const track = this.#wanted.get(source) ?? null;
      const transceiver = this.#transceivers.get(source);
      if (transceiver === undefined) {
        changed ||= wanted;
      } else if (!wanted) {
        changed ||= transceiver.direction === 'sendonly';
      } else if (transceiver.direction !== 'sendonly') {
        changed = true;
      } else if (transceiver.sender.track !== track) {
        await life.of(transceiver.sender.replaceTrack(track));
        await life.of(tuneSender(transceiver.sender, source));
      }
    }
    if (changed) await this.#negotiate();
  }

  async #negotiate(): Promise<void> {
    const life = this.#life;
    const connection = this.#connection ?? this.#create();
    const before = new Map([...this.#transceivers].map(([source, one]) => [source, one.direction]));
    await this.#arrange(connection, life);
    this.#trickle?.hold();
    try {
      await life.of(connection.setLocalDescription(await life.of(connection.createOffer())));
      const publishing = this.#options.signaling.request('media.publish', {
        interaction_id: this.#options.interactionId,
        sdp: connection.localDescription?.sdp ?? '',
        tracks: this.#tracks(),
        fresh: this.#fresh,
      });
      const answer = await life.of(publishing);
      this.#fresh = false;
      this.#trickle?.open();
      const sdp = withStartBitrate(withOpusFecAndDtx(answer.sdp), START_BITRATE_KBPS);
      await life.of(connection.setRemoteDescription({ type: 'answer', sdp }));
    } catch (error) {
      await this.#rollBack(connection, before);
      throw error;
    }
    for (const [source, transceiver] of this.#transceivers) await life.of(tuneSender(transceiver.sender, source));
  }

  /** Transceivers as `#wanted` asks; at least one m-line, for without one there is no transport. */
  async #arrange(connection: RTCPeerConnection, life: Lifetime): Promise<void> {
    for (const source of ORDER) {
      const wanted = this.#wanted.has(source);
      const track = this.#wanted.get(source) ?? null;
      const direction = wanted ? 'sendonly' : 'inactive';
      let transceiver = this.#transceivers.get(source);
      if (transceiver === undefined) {
        const warm = source === 'microphone';
        if (!wanted && !warm) continue;
        transceiver = connection.addTransceiver(track ?? (isAudio(source) ? 'audio' : 'video'), {
          direction,
          sendEncodings: encodingsOf(source),
        });
        this.#transceivers.set(source, transceiver);
      } else {
        transceiver.direction = direction;
        if (transceiver.sender.track !== track) await life.of(transceiver.sender.replaceTrack(track));
      }
    }
  }

  #tracks(): PublishedTrack[] {
    const tracks: PublishedTrack[] = [];
    for (const [source, transceiver] of this.#transceivers) {
      if (transceiver.direction === 'sendonly' && transceiver.mid !== null) tracks.push({ mid: transceiver.mid, source });
    }
    return tracks;
  }

  async #rollBack(connection: RTCPeerConnection, before: ReadonlyMap<Source, RTCRtpTransceiverDirection>): Promise<void> {
    if (this.#connection !== connection) return;
    // Nothing was ever answered, or the answer could not be used: this peer connection has no state worth keeping.
    if (this.#fresh || connection.signalingState !== 'have-local-offer') {
      this.#drop();
      return;
    }
    await connection.setLocalDescription({ type: 'rollback' });
    // A transceiver outlives the offer it was made for (JSEP, RFC 8829 §4.1.10.2): it is kept for the next, or every
    // attempt would add an m-line.
    for (const [source, transceiver] of this.#transceivers) transceiver.direction = before.get(source) ?? 'inactive';
  }

  #create(): RTCPeerConnection {
    const connection = createPeerConnection(this.#options, this.#options.iceServers());
    const trickle = new CandidateTrickle((candidate) =>
      this.#options.signaling.request('media.candidate', {
        interaction_id: this.#options.interactionId,
        transport: 'publish',
        candidate,
      }),
    );
    connection.addEventListener('icecandidate', (event) => {
      trickle.add(event);
    });
    connection.addEventListener('connectionstatechange', () => {
      if (this.#connection === connection) this.#options.onConnectionState(connection.connectionState);
    });
    this.#connection = connection;
    this.#trickle = trickle;
    this.#transceivers = new Map();
    this.#fresh = true;
    this.#options.onConnectionState('new');
    return connection;
  }

  #drop(): void {
    const connection = this.#connection;
    this.#life.end();
    this.#life = new Lifetime();
    this.#connection = null;
    this.#trickle = null;
    this.#transceivers = new Map();
    connection?.close();
    if (connection !== null) this.#options.onConnectionState(null);
  }
}
