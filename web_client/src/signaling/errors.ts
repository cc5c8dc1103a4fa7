import type { ErrorCode, WireError } from '@/protocol/messages';

/** Codes that come about in the browser itself; all others are the server's. */
export const OFFLINE = 'offline';
export const TIMEOUT = 'timeout';
/** Taken back by the person. */
export const CANCELLED = 'cancelled';
export type FailureCode = ErrorCode | typeof OFFLINE | typeof TIMEOUT | typeof CANCELLED;

/** A request that was not done. `code` is stable; `message` is the server's Chinese sentence, empty for local codes. */
export class RequestError extends Error {
  readonly code: FailureCode;
  readonly retryAfterMs: number | null;

  constructor(code: FailureCode, message = '', retryAfterMs: number | null = null) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  static fromWire(error: WireError): RequestError {
    return new RequestError(error.code, error.message, error.retry_after_ms ?? null);
  }
}

/** The server was not reached, or did not answer. */
export const isLocalFailure = (error: unknown): boolean =>
  error instanceof RequestError && (error.code === OFFLINE || error.code === TIMEOUT);

/** Reads a wire error out of whatever a refused handshake carries. */
export function readWireError(value: unknown): WireError | null {
  if (typeof value !== 'object' || value === null) return null;
  const { code, message, retry_after_ms } = value as Record<string, unknown>;
  if (typeof code !== 'string') return null;
  return {
    code: code as ErrorCode,
    message: typeof message === 'string' ? message : '',
    retry_after_ms: typeof retry_after_ms === 'number' ? retry_after_ms : null,
  };
}
