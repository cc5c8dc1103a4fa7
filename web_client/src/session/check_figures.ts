/** Figures of a check, from getStats (W3C webrtc-stats) and from what the server tells. Pure. */

type AnyStats = Record<string, unknown> & { type: string; id: string };

/** How packets go: the local candidate of the pair in use. */
export interface Path {
  readonly protocol: 'udp' | 'tcp';
  readonly relayed: boolean;
}

export interface NetworkFigures {
  readonly path: Path;
  readonly rttMs: number | null;
  /** Shares, 0 to 1. */
  readonly lossUp: number;
  readonly lossDown: number;
  /** bit/s that arrived at the other end. */
  readonly up: number;
  readonly down: number;
  /** The line may carry more: no more than this was sent. */
  readonly upAtLeast: boolean;
  readonly downAtLeast: boolean;
}

/** Chromium names the pair in its transport; Firefox marks the pair itself. */
export function pathOf(report: Iterable<AnyStats>): Path | null {
  const all = new Map([...report].map((stats) => [stats.id, stats]));
  let pair: AnyStats | undefined;
  for (const stats of all.values()) {
    if (stats.type === 'transport' && typeof stats.selectedCandidatePairId === 'string') pair = all.get(stats.selectedCandidatePairId);
  }
  pair ??= [...all.values()].find((stats) => stats.type === 'candidate-pair' && (stats.selected === true || (stats.nominated === true && stats.state === 'succeeded')));
  const local = all.get(String(pair?.localCandidateId ?? ''));
  if (local === undefined) return null;
  const relayed = local.candidateType === 'relay';
  const protocol = relayed ? (local.relayProtocol ?? local.protocol) : local.protocol;
  return { protocol: protocol === 'udp' ? 'udp' : 'tcp', relayed };
}

export function bytesReceived(report: Iterable<AnyStats>): number {
  let sum = 0;
  for (const stats of report) if (stats.type === 'inbound-rtp' && typeof stats.bytesReceived === 'number') sum += stats.bytesReceived;
  return sum;
}

export function framesDecoded(report: Iterable<AnyStats>): number {
  let sum = 0;
  for (const stats of report) if (stats.type === 'inbound-rtp' && typeof stats.framesDecoded === 'number') sum += stats.framesDecoded;
  return sum;
}

/** Packets of audio that came back. */
export function audioPackets(report: Iterable<AnyStats>): number {
  let sum = 0;
  for (const stats of report) if (stats.type === 'inbound-rtp' && stats.kind === 'audio' && typeof stats.packetsReceived === 'number') sum += stats.packetsReceived;
  return sum;
}

/** So many samples in a row that agree are the answer. */
const AGREEING = 3;
const AGREE_WITHIN = 0.12;

/** Whether the last samples say the same. */
export function settled(samples: readonly number[]): boolean {
  const last = samples.slice(-AGREEING);
  if (last.length < AGREEING) return false;
  const most = Math.max(...last);
  return most > 0 && Math.min(...last) >= most * (1 - AGREE_WITHIN);
}

/** What a line carried for a while: the middle one of the last three samples. */
export function sustained(samples: readonly number[]): number {
  const last = samples.slice(-AGREEING).sort((a, b) => a - b);
  return last[Math.floor(last.length / 2)] ?? 0;
}

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length);

export interface Measured {
  readonly path: Path;
  readonly rtts: readonly number[];
  readonly lossesUp: readonly number[];
  readonly lossesDown: readonly number[];
  readonly ups: readonly number[];
  readonly downs: readonly number[];
  /** What the server believes the way to the page carries; null before it knows. */
  readonly estimate: number | null;
}

/** The test picture is sent at this rate at most. */
export const TARGET = 2_500_000;

export function figuresOf({ path, rtts, lossesUp, lossesDown, ups, downs, estimate }: Measured): NetworkFigures {
  const up = sustained(ups);
  const came = sustained(downs);
  // No more can come back than was sent: where all of it came, the server's own estimate may know more.
  const cameWhole = came >= up * 0.85;
  const down = cameWhole ? Math.max(came, Math.min(estimate ?? 0, TARGET)) : came;
  const sorted = [...rtts].sort((a, b) => a - b);
  return {
    path,
    rttMs: sorted[Math.floor(sorted.length / 2)] ?? null,
    lossUp: mean(lossesUp),
    lossDown: mean(lossesDown),
    up,
    down,
    upAtLeast: up >= TARGET * 0.8,
    downAtLeast: cameWhole,
  };
}
