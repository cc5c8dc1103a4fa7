/** Links by which devices take part in a meeting: `/api/meetings/{id}/streams`. All reject with `RequestError`. */
import type { ServiceHttp } from './http';

export type StreamAccess = 'publish' | 'view';

export interface NewStream {
  readonly access: StreamAccess;
  readonly name: string;
  readonly source: 'camera' | 'screen';
  readonly minutes: number;
}

export interface StreamLink {
  readonly stream_id: string;
  readonly access: StreamAccess;
  readonly name: string;
  readonly source: 'camera' | 'screen';
  readonly created_at: number;
  readonly expires_at: number;
  /** A device is there by it. */
  readonly live: boolean;
  readonly url: string;
}

/** `token` is given this once. */
export interface NewStreamLink extends StreamLink {
  readonly token: string;
}

export class StreamsApi {
  readonly #http: ServiceHttp;
  readonly #root: string;

  constructor(http: ServiceHttp, meetingId: string) {
    this.#http = http;
    this.#root = `/api/meetings/${encodeURIComponent(meetingId)}/streams`;
  }

  add(asked: NewStream): Promise<NewStreamLink> {
    return this.#http.send(this.#root, { method: 'POST', body: asked });
  }

  async list(): Promise<readonly StreamLink[]> {
    return (await this.#http.send<{ streams: StreamLink[] }>(this.#root)).streams;
  }

  revoke(streamId: string): Promise<void> {
    return this.#http.send(`${this.#root}/${encodeURIComponent(streamId)}`, { method: 'DELETE' });
  }
}
