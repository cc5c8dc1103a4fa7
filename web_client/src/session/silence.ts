/** Whether anything still comes over a connection, before ICE notices (its consent expires after 30 s, RFC 7675 §5.1). Pure. */

/** Media or its feedback came a moment ago, and stopped. */
export const SILENT_AFTER_MS = 2_500;
/** Nothing but consent checks, one in 2.5 s, of which one may be lost. */
const IDLE_SILENT_AFTER_MS = 7_000;
/** The signalling line broke as well a moment ago: rather the network than a pause. */
const SUSPECT_AFTER_MS = 1_500;
/** More in a second than consent checks. */
const BUSY = 50;

export class Silence {
  #pair: string | null = null;
  #received: number | null = null;
  #at = 0;
  #busy = false;

  /** Returns whether more has come than last time. */
  observe(seen: { readonly pair: string; readonly count: number } | null, nowMs: number): boolean {
    if (seen === null) return false;
    const before = seen.pair === this.#pair ? this.#received : null;
    this.#pair = seen.pair;
    this.#received = seen.count;
    if (before !== null && seen.count <= before) return false;
    this.#busy = before !== null && seen.count - before >= BUSY;
    this.#at = nowMs;
    return before !== null;
  }

  isSilent(nowMs: number, suspect: boolean): boolean {
    if (this.#received === null) return false;
    const limit = this.#busy ? (suspect ? SUSPECT_AFTER_MS : SILENT_AFTER_MS) : IDLE_SILENT_AFTER_MS;
    return nowMs - this.#at >= limit;
  }

  /** Another connection. */
  reset(): void {
    this.#pair = null;
    this.#received = null;
    this.#busy = false;
  }
}

/**
 * Over the pair of candidates in use: bytes of media and feedback, and connectivity checks, which are not among those
 * bytes (W3C webrtc-stats §8.19). Null while there is none.
 */
export function received(report: Iterable<Record<string, unknown>>): { readonly pair: string; readonly count: number } | null {
  const all = [...report];
  const named = all.find((stats) => stats.type === 'transport' && typeof stats.selectedCandidatePairId === 'string')?.selectedCandidatePairId;
  // Firefox has no transport, and says of the pair itself that it is the one.
  const stats = all.find((one) => one.type === 'candidate-pair' && (named === undefined ? one.selected === true : one.id === named));
  if (stats === undefined) return null;
  const counted = [stats.bytesReceived, stats.responsesReceived].map((one) => (typeof one === 'number' ? one : 0));
  return { pair: String(stats.id), count: counted.reduce((sum, one) => sum + one, 0) };
}
