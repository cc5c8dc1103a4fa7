/** Requests beside the signalling connection, under `/api/`: files, history, and what the desk keeps. */
import { readWireError, RequestError } from '@/signaling/errors';

export interface HttpOptions {
  /** Origin of the server; the window is at home on another. */
  readonly url: string;
  readonly token: () => string | Promise<string>;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
}

export class ServiceHttp {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Absolute address of a path the server gave. */
  address(path: string): string {
    return new URL(path, this.#options.url).href;
  }

  async authorization(): Promise<string> {
    return `Bearer ${await this.#options.token()}`;
  }

  /** Rejects with `RequestError`, never otherwise. */
  async send<Result>(path: string, { method = 'GET', body }: HttpRequest = {}): Promise<Result> {
    let response: Response;
    try {
      response = await fetch(this.address(path), {
        method,
        headers: {
          Accept: 'application/json',
          Authorization: await this.authorization(),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: 'no-store',
        credentials: 'omit',
      });
    } catch {
      throw new RequestError('offline');
    }
    const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
    if (!response.ok) throw toError(answer);
    return answer as Result;
  }
}

export function toError(body: unknown): RequestError {
  const error = readWireError((body as { error?: unknown } | null)?.error);
  return error === null ? new RequestError('internal_error') : RequestError.fromWire(error);
}
