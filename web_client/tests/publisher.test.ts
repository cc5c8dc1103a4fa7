import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LinkSignaling } from '@/session/link';
import { Publisher } from '@/session/publisher';

/** As much of RTCPeerConnection as offers need: m-lines for transceivers, and what a rollback leaves. */
class Connection extends EventTarget {
  static last: Connection;
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { type: string; sdp: string } | null = null;
  readonly transceivers: { mid: string | null; settled: boolean; direction: string; kind: string; sender: Record<string, unknown> }[] = [];

  constructor() {
    super();
    Connection.last = this;
  }

  addTransceiver(what: string | { kind: string }, init: { direction: string }): unknown {
    const sender = {
      track: typeof what === 'string' ? null : what,
      replaceTrack: () => Promise.resolve(),
      getParameters: () => ({ encodings: [] }),
      setParameters: () => Promise.resolve(),
    };
    const kind = typeof what === 'string' ? what : what.kind;
    this.transceivers.push({ mid: null, settled: false, direction: init.direction, kind, sender });
    return this.transceivers.at(-1);
  }

  createOffer(): Promise<{ type: string; sdp: string }> {
    return Promise.resolve({ type: 'offer', sdp: this.transceivers.map((one) => `m=${one.kind}\r\n`).join('') });
  }

  setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
    if (description.type === 'rollback') {
      this.transceivers.forEach((one) => (one.mid = one.settled ? one.mid : null));
      this.signalingState = 'stable';
    } else {
      this.transceivers.forEach((one, index) => (one.mid ??= String(index)));
      this.localDescription = description;
      this.signalingState = 'have-local-offer';
    }
    return Promise.resolve();
  }

  setRemoteDescription(): Promise<void> {
    this.transceivers.forEach((one) => (one.settled = true));
    this.signalingState = 'stable';
    return Promise.resolve();
  }

  close(): void {
    this.signalingState = 'closed';
  }
}

beforeEach(() => {
  vi.stubGlobal('RTCPeerConnection', Connection);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const camera = { kind: 'video' } as MediaStreamTrack;

it('makes no more m-lines, however often an offer is refused', async () => {
  let refuse = false;
  const offers: { sdp: string; tracks: unknown[] }[] = [];
  const request = (event: string, payload: { sdp: string; tracks: unknown[] }): Promise<unknown> => {
    if (event !== 'media.publish') return Promise.resolve({});
    offers.push(payload);
    return refuse ? Promise.reject(new Error('rate_limited')) : Promise.resolve({ sdp: '' });
  };
  const publisher = new Publisher({
    interactionId: 'i',
    signaling: { request } as unknown as LinkSignaling,
    iceServers: () => [],
    iceTransportPolicy: 'all',
    onConnectionState: () => undefined,
  });
  await publisher.warmUp();
  refuse = true;
  for (let attempt = 0; attempt < 3; attempt += 1) await expect(publisher.set({ camera })).rejects.toThrow('rate_limited');
  refuse = false;
  await publisher.set({ camera });
  expect(Connection.last.transceivers).toHaveLength(2);
  expect(offers.at(-1)?.sdp.match(/m=/g)).toHaveLength(2);
  expect(offers.at(-1)?.tracks).toEqual([{ mid: '1', source: 'camera' }]);
});

it('pauses the layers nobody wants and touches no source without layers', async () => {
  const request = (): Promise<unknown> => Promise.resolve({ sdp: '' });
  const publisher = new Publisher({
    interactionId: 'i',
    signaling: { request } as unknown as LinkSignaling,
    iceServers: () => [],
    iceTransportPolicy: 'all',
    onConnectionState: () => undefined,
  });
  const screen = { kind: 'video', getSettings: () => ({}) } as unknown as MediaStreamTrack;
  await publisher.set({ camera, screen });
  const encodings: Record<string, { rid?: string; active: boolean }[]> = {
    camera: ['q', 'h', 'f'].map((rid) => ({ rid, active: true })),
    screen: [{ active: true }],
  };
  const set = vi.fn(() => Promise.resolve());
  const [, ofCamera, ofScreen] = Connection.last.transceivers;
  for (const [line, source] of [[ofCamera, 'camera'], [ofScreen, 'screen']] as const) {
    Object.assign(line?.sender ?? {}, { getParameters: () => ({ encodings: encodings[source] }), setParameters: set });
  }
  const active = (): boolean[] => (encodings.camera ?? []).map((one) => one.active);

  await publisher.wantLayers('camera', ['q', 'h']);
  expect(active()).toEqual([true, true, false]);
  await publisher.wantLayers('camera', ['q', 'h']);
  expect(set).toHaveBeenCalledTimes(1);
  await publisher.wantLayers('camera', ['q', 'h', 'f']);
  expect(active()).toEqual([true, true, true]);
  await publisher.wantLayers('screen', ['q']);
  expect(encodings.screen).toEqual([{ active: true }]);
  expect(set).toHaveBeenCalledTimes(2);
});
