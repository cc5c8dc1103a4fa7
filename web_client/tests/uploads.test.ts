import { describe, expect, it } from 'vitest';
import type { FileView } from '@/protocol/messages';
import { upload, type UploadTransport } from '@/rest/uploads';
import { RequestError } from '@/signaling/errors';

const SIZE = 1_200_000;
const stored: FileView = { file_id: 'f1', name: '表.png', media_type: 'image/png', size: SIZE, width: 1, height: 1 };

/** A server that keeps bytes, and fails where it is told to. */
function server(failures: Record<number, 'before' | 'after'> = {}) {
  let kept = 0;
  let calls = 0;
  const seen: number[] = [];
  const transport: UploadTransport = {
    begin: async () => ({ file_id: 'f1', offset: 0 }),
    offset: async () => kept,
    async append(_id, offset, bytes) {
      const failure = failures[calls];
      calls += 1;
      if (failure === 'before') throw new RequestError('offline');
      if (offset !== kept) throw new RequestError('upload_conflict');
      kept += bytes.size;
      seen.push(offset);
      if (failure === 'after') throw new RequestError('offline');
      return { offset: kept, file: kept === SIZE ? stored : null };
    },
    cancel: async () => {
      kept = -1;
    },
    pause: async () => undefined,
  };
  return { transport, seen, kept: () => kept };
}

const file = (): File => new File([new Uint8Array(SIZE)], '表.png');
const job = (onProgress: (sent: number) => void = () => undefined, signal = new AbortController().signal) => ({
  interactionId: 'i1',
  file: file(),
  signal,
  onProgress,
});

describe('an upload', () => {
  it('sends every piece once, in order, and tells how far it is', async () => {
    const { transport, seen } = server();
    const progress: number[] = [];
    await expect(upload(transport, job((sent) => progress.push(sent)))).resolves.toEqual(stored);
    expect(seen).toEqual([0, 524_288, 1_048_576]);
    expect(progress.at(-1)).toBe(SIZE);
  });

  it('goes on where the server is when the line dropped before and after a piece arrived', async () => {
    const { transport, seen } = server({ 1: 'before', 2: 'after' });
    await expect(upload(transport, job())).resolves.toEqual(stored);
    expect(seen).toEqual([0, 524_288, 1_048_576]);
  });

  it('ends with the server’s refusal', async () => {
    const { transport } = server();
    const refusing = { ...transport, begin: () => Promise.reject(new RequestError('file_type_refused', '不支持')) };
    await expect(upload(refusing, job())).rejects.toMatchObject({ code: 'file_type_refused' });
  });

  it('gives up when the line stays away', async () => {
    const { transport } = server(Object.fromEntries(Array.from({ length: 30 }, (_, n) => [n, 'before' as const])));
    await expect(upload(transport, job())).rejects.toMatchObject({ code: 'offline' });
  });

  it('is given up on both sides when it is cancelled', async () => {
    const controller = new AbortController();
    const { transport, kept } = server();
    const cancelling: UploadTransport = { ...transport, append: (...args) => {
      controller.abort();
      return transport.append(...args);
    } };
    await expect(upload(cancelling, job(undefined, controller.signal))).rejects.toMatchObject({ code: 'cancelled' });
    expect(kept()).toBe(-1);
  });
});
