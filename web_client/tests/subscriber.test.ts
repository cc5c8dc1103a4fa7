import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LinkSignaling } from '@/session/link';
import { Publisher } from '@/session/publisher';
import { Subscriber } from '@/session/subscriber';

/** An RTCPeerConnection whose work never settles once it is closed (WebRTC §4.4.1.2). */
class Connection extends EventTarget {
  static made: Connection[] = [];
  /** The next description waits; whoever is in the middle of it when it is closed waits for ever. */
  static slow = false;
  connectionState: RTCPeerConnectionState = 'new';
  signalingState: RTCSignalingState = 'stable';
  localDescription = { type: 'answer', sdp: 'v=0' };
  closed = false;

  constructor() {
    super();
    Connection.made.push(this);
  }

  #work<Result>(result: Result): Promise<Result> {
    return Connection.slow ? new Promise(() => undefined) : Promise.resolve(result);
  }

  addTransceiver = (): unknown => ({
    mid: '0',
    direction: 'inactive',
    sender: { track: null, replaceTrack: () => this.#work(undefined), getParameters: () => ({ encodings: [] }), setParameters: () => this.#work(undefined) },
  });
  createOffer = (): Promise<unknown> => this.#work({ type: 'offer', sdp: 'v=0' });
  createAnswer = (): Promise<unknown> => this.#work({ type: 'answer', sdp: 'v=0' });
  setLocalDescription = (): Promise<void> => this.#work(undefined);
  setRemoteDescription = (): Promise<void> => this.#work(undefined);
  close(): void {
    this.closed = true;
  }
}

const signaling = {
  request: (event: string) =>
    Promise.resolve(event === 'media.subscribe' ? { sdp: 'v=0', slots: [], ice_servers: [] } : event === 'media.publish' ? { sdp: 'v=0' } : {}),
} as unknown as LinkSignaling;

const link = { interactionId: 'i1', signaling, iceServers: () => [], iceTransportPolicy: 'all' as const, onConnectionState: () => undefined };
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  Connection.made = [];
  Connection.slow = false;
  vi.stubGlobal('RTCPeerConnection', Connection);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

it.each([
  ['receives', () => {
    const one = new Subscriber({ ...link, onTracks: () => undefined });
    return { open: () => one.open(), close: () => one.close(), connection: () => one.connection };
  }],
  ['sends', () => {
    const one = new Publisher(link);
    return { open: () => one.warmUp(), close: () => one.close(), connection: () => one.connection };
  }],
] as const)('a connection that %s and was closed in the middle of its negotiation is made anew', async (_name, make) => {
  const one = make();
  Connection.slow = true;
  const first = one.open().catch(() => 'refused');
  await turn();
  expect(Connection.made).toHaveLength(1);
  one.close();
  Connection.slow = false;
  await one.open();
  expect(await first).toBe('refused');
  expect(Connection.made).toHaveLength(2);
  expect(one.connection()).toBe(Connection.made[1]);
});

it('what was closed before its turn came is not opened', async () => {
  const one = new Subscriber({ ...link, onTracks: () => undefined });
  const opening = one.open();
  one.close();
  await opening.catch(() => undefined);
  expect(one.connection).toBeNull();
  expect(Connection.made).toHaveLength(0);
});

it('of a size that changes while an earlier one waits its turn, the last one is said last', async () => {
  const said: { size: number; done: (kept: boolean) => void }[] = [];
  const slow = {
    request: (event: string, payload: { width?: number }) =>
      event === 'media.view'
        ? new Promise((resolve, reject) => {
            said.push({ size: payload.width ?? -1, done: (kept) => (kept ? resolve({}) : reject(new Error('refused'))) });
          })
        : signaling.request(event as 'media.subscribe', payload as never),
  } as unknown as LinkSignaling;
  const one = new Subscriber({ ...link, signaling: slow, onTracks: () => undefined });
  one.setView('p1', 'camera', 320, 180);
  expect(said).toHaveLength(0);
  await one.open();
  for (const width of [0, 320, 0]) one.setView('p1', 'camera', width, width);
  one.setView('p2', 'camera', 640, 360);
  await turn();
  expect(said.map(({ size }) => size)).toEqual([320, 640]);
  said[0]?.done(false);
  await turn();
  expect(said.map(({ size }) => size)).toEqual([320, 640, 0]);
  said[2]?.done(true);
  await turn();
  one.setView('p1', 'camera', 0, 0);
  await turn();
  expect(said).toHaveLength(3);

  // Another connection knows nothing: what is under way to the one before it is said again.
  await one.rebuild();
  said[1]?.done(true);
  await turn();
  expect(said.slice(3).map(({ size }) => size).sort()).toEqual([0, 640]);
  said.forEach(({ done }) => done(true));
});
