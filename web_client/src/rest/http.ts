/** Requests beside the signalling connection, under `/api/`: files, history, and what the desk keeps. */
import { readWireError, RequestError } from '@/signaling/errors';

export interface HttpOptions {
  /** Origin of the server; the window is at home on another. */
  readonly url: string;
  readonly token: () => string | Promise<string>;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
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
  async send<Result>(path: string, request: HttpRequest = {}): Promise<Result> {
    const response = await this.#fetch(path, request);
    const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
    if (!response.ok) throw toError(answer);
    return answer as Result;
  }

  /** A file the server makes, as an address of this page, with the name it gave. Rejects with `RequestError`. */
  async download(path: string): Promise<{ url: string; name: string }> {
    const response = await this.#fetch(path, {});
    if (!response.ok) throw toError(await response.json().catch(() => null));
    const given = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get('Content-Disposition') ?? '');
    return { url: URL.createObjectURL(await response.blob()), name: decodeURIComponent(given?.[1] ?? 'download') };
  }

  /** Sound the server makes. Rejects with `RequestError`. */
  async sound(path: string, signal: AbortSignal): Promise<ArrayBuffer> {
    const response = await this.#fetch(path, { signal });
    if (!response.ok) throw toError(await response.json().catch(() => null));
    return response.arrayBuffer();
  }

  /** One header of the answer to HEAD; null when it is not there. A refusal has no body to read its code from. */
  async header(path: string, name: string): Promise<string | null> {
    const response = await this.#fetch(path, { method: 'HEAD' });
    if (!response.ok) throw new RequestError(response.status === 404 ? 'file_not_found' : 'internal_error');
    return response.headers.get(name);
  }

  async #fetch(path: string, { method = 'GET', body, signal }: HttpRequest): Promise<Response> {
    try {
      return await fetch(this.address(path), {
        method,
        headers: {
          Accept: 'application/json',
          Authorization: await this.authorization(),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: 'no-store',
        credentials: 'omit',
      });
    } catch {
      throw new RequestError('offline');
    }
  }
}

export function toError(body: unknown): RequestError {
  const error = readWireError((body as { error?: unknown } | null)?.error);
  return error === null ? new RequestError('internal_error') : RequestError.fromWire(error);
}
