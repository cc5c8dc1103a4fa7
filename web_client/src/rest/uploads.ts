/**
 * Sending files of a conversation: pieces at an offset the server names, so that a dropped line costs one piece.
 *
 *   POST   /api/files       {interaction_id, name, size}   → {file_id, offset}
 *   HEAD   /api/files/{id}                                 → Upload-Offset
 *   PATCH  /api/files/{id}  Upload-Offset, the bytes       → {offset, file}, `file` with the last byte
 *   DELETE /api/files/{id}                                   gives an unfinished one up
 */
import type { FileView } from '@/protocol/messages';
import { RequestError } from '@/signaling/errors';
import { toError, type ServiceHttp } from './http';

/** Smaller than this, in bytes; the server has the last word. */
export const MAX_FILE_BYTES = 20 * 1024 * 1024;
/** What the file picker offers; the server decides by content. */
export const PICTURE_TYPES = 'image/png,image/jpeg,image/gif,image/webp,image/bmp';
export const FILE_TYPES = `${PICTURE_TYPES},.pdf,.doc,.docx,.xls,.xlsx,.ppt,.pptx,.ofd,.txt,.csv`;

const PIECE_BYTES = 512 * 1024;
const RETRIES = 8;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 10_000;

/** Failures that pass: the same piece is tried again from where the server is. */
const PASSING = new Set(['offline', 'timeout', 'upload_conflict', 'files_unavailable', 'server_stopping', 'rate_limited', 'internal_error']);

/** Whether trying once more may help. */
export const mayPass = (error: unknown): boolean => error instanceof RequestError && PASSING.has(error.code);

export interface Piece {
  readonly offset: number;
  readonly file: FileView | null;
}

/** What an upload needs of the network; the real one is `uploadTransport`. */
export interface UploadTransport {
  begin(interactionId: string | null, name: string, size: number): Promise<{ file_id: string; offset: number }>;
  offset(fileId: string): Promise<number>;
  append(fileId: string, offset: number, bytes: Blob, onProgress: (sent: number) => void, signal: AbortSignal): Promise<Piece>;
  cancel(fileId: string): Promise<void>;
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface UploadJob {
  /** null: to be attached to a case of the personal centre. */
  readonly interactionId: string | null;
  readonly file: File;
  readonly signal: AbortSignal;
  /** Bytes the server has, of the whole. */
  readonly onProgress: (sent: number) => void;
}

/** Resolves with the stored file. Rejects with `RequestError`: refused by the server, or the line stayed away. */
export async function upload(transport: UploadTransport, { interactionId, file, signal, onProgress }: UploadJob): Promise<FileView> {
  let failures = 0;
  let fileId: string | null = null;
  let offset = 0;
  for (;;) {
    try {
      if (fileId === null) {
        const begun = await transport.begin(interactionId, file.name, file.size);
        fileId = begun.file_id;
        offset = begun.offset;
      } else if (failures > 0) {
        offset = await transport.offset(fileId);
      }
      while (!signal.aborted) {
        const from = offset;
        const piece = await transport.append(fileId, from, file.slice(from, from + PIECE_BYTES), (sent) => onProgress(from + sent), signal);
        failures = 0;
        offset = piece.offset;
        onProgress(offset);
        if (piece.file !== null) return piece.file;
      }
    } catch (error) {
      if (!signal.aborted && (!mayPass(error) || failures >= RETRIES)) throw error;
      failures += 1;
      const backoff = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1));
      if (!signal.aborted) await transport.pause((error as RequestError).retryAfterMs ?? backoff, signal);
    }
    if (signal.aborted) {
      if (fileId !== null) await transport.cancel(fileId).catch(() => undefined);
      throw new RequestError('cancelled');
    }
  }
}

export function uploadTransport(http: ServiceHttp): UploadTransport {
  return {
    begin: (interactionId, name, size) =>
      http.send('/api/files', { method: 'POST', body: { ...(interactionId === null ? {} : { interaction_id: interactionId }), name, size } }),
    async offset(fileId) {
      return Number((await http.header(`/api/files/${fileId}`, 'Upload-Offset')) ?? 0);
    },
    async append(fileId, offset, bytes, onProgress, signal) {
      const authorization = await http.authorization();
      return patch(http.address(`/api/files/${fileId}`), authorization, offset, bytes, onProgress, signal);
    },
    async cancel(fileId) {
      await http.send(`/api/files/${fileId}`, { method: 'DELETE' });
    },
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          window.removeEventListener('online', wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, milliseconds);
        window.addEventListener('online', wake);
        signal.addEventListener('abort', wake);
      }),
  };
}

/** XMLHttpRequest, because `fetch` tells nothing about how much was sent. */
function patch(url: string, authorization: string, offset: number, bytes: Blob, onProgress: (sent: number) => void, signal: AbortSignal): Promise<Piece> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    request.open('PATCH', url);
    request.responseType = 'json';
    request.setRequestHeader('Authorization', authorization);
    request.setRequestHeader('Content-Type', 'application/offset+octet-stream');
    request.setRequestHeader('Upload-Offset', String(offset));
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as Piece);
      else reject(toError(request.response));
    };
    request.onerror = () => reject(new RequestError('offline'));
    request.onabort = () => reject(new RequestError('cancelled'));
    request.onloadend = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    request.send(bytes);
  });
}
