/** Hooks for tests, there only when the page's address has `?debug=1`: `window.__rtc`. */
import type { MediaRoom } from './media_room';

/** Notes when something happened, in milliseconds of `performance.now()`. */
export type Mark = (name: string) => void;

export interface RtcDebug {
  /** First time each name was marked since the last `clear`. */
  readonly marks: Record<string, number>;
  mark(name: string): void;
  clear(): void;
  rooms(): MediaRoom[];
  /** getStats of both connections of every room. */
  stats(): Promise<{ interactionId: string; publish: unknown[] | null; subscribe: unknown[] | null }[]>;
}

declare global {
  interface Window {
    __rtc?: RtcDebug;
  }
}

export const debugWanted = (): boolean => new URLSearchParams(window.location.search).get('debug') === '1';

async function reportOf(connection: RTCPeerConnection | null): Promise<unknown[] | null> {
  if (connection === null) return null;
  const report = await connection.getStats();
  return [...report.values()] as unknown[];
}

/** Returns the marker: without `?debug=1` one that does nothing. */
export function installDebug(rooms: () => MediaRoom[]): Mark {
  if (!debugWanted()) return () => undefined;
  const marks: Record<string, number> = {};
  const debug: RtcDebug = {
    marks,
    mark(name) {
      marks[name] ??= performance.now();
    },
    clear() {
      for (const name of Object.keys(marks)) Reflect.deleteProperty(marks, name);
    },
    rooms,
    stats: () =>
      Promise.all(
        rooms().map(async (room) => ({
          interactionId: room.interactionId,
          publish: await reportOf(room.publishConnection),
          subscribe: await reportOf(room.subscribeConnection),
        })),
      ),
  };
  window.__rtc = debug;
  return (name) => {
    debug.mark(name);
  };
}
