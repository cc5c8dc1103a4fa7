/** Connection quality from getStats (W3C webrtc-stats): 0 lost, 4 excellent. */

export const SAMPLE_INTERVAL_MS = 1_000;
/** Loss is told of so many samples: of a single second it jumps about. */
const WINDOW = 2;

export type Quality = 0 | 1 | 2 | 3 | 4;

export interface LinkFigures {
  /** Milliseconds, null before there is a figure. */
  readonly rttMs: number | null;
  /** Share of packets lost in the last interval, 0 to 1. */
  readonly loss: number;
}

export function score({ rttMs, loss }: LinkFigures): Quality {
  const rtt = rttMs ?? 0;
  if (loss < 0.01 && rtt < 150) return 4;
  if (loss < 0.03 && rtt < 300) return 3;
  if (loss < 0.08 && rtt < 500) return 2;
  return 1;
}

interface Counters {
  received: number;
  lost: number;
}

type AnyStats = Record<string, unknown> & { type: string; id: string };

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Turns the growing counters of one peer connection into figures of the last two seconds. */
export class LinkSampler {
  /** Oldest first. */
  #before: readonly Counters[] = [];
  readonly #frames = new Map<string, number>();

  sample(report: Iterable<AnyStats>): LinkFigures {
    let rttMs: number | null = null;
    let sentLoss = 0;
    const now: Counters = { received: 0, lost: 0 };
    for (const stats of report) {
      if (stats.type === 'candidate-pair' && stats.nominated === true && typeof stats.currentRoundTripTime === 'number') {
        rttMs = stats.currentRoundTripTime * 1_000;
      } else if (stats.type === 'inbound-rtp') {
        now.received += numberOf(stats.packetsReceived);
        now.lost += numberOf(stats.packetsLost);
        this.#follow(stats);
      } else if (stats.type === 'remote-inbound-rtp') {
        sentLoss = Math.max(sentLoss, numberOf(stats.fractionLost));
        if (rttMs === null && typeof stats.roundTripTime === 'number') rttMs = stats.roundTripTime * 1_000;
      }
    }
    const first = this.#before[0] ?? { received: 0, lost: 0 };
    const received = Math.max(0, now.received - first.received);
    const lost = Math.max(0, now.lost - first.lost);
    this.#before = [...this.#before, now].slice(-WINDOW);
    const receivedLoss = received + lost === 0 ? 0 : lost / (received + lost);
    return { rttMs, loss: Math.max(sentLoss, receivedLoss) };
  }

  /** Of this track (RTCInboundRtpStreamStats.trackIdentifier), decoded so far. */
  framesDecoded(trackId: string): number {
    return this.#frames.get(trackId) ?? 0;
  }

  #follow(stats: AnyStats): void {
    const trackId = stats.trackIdentifier;
    if (stats.kind === 'video' && typeof trackId === 'string') this.#frames.set(trackId, numberOf(stats.framesDecoded));
  }
}
