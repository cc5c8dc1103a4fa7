import { describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import type { Notes, NotesKept } from '@/protocol/messages';
import { difference, fromBase64, moved, NotesDocument, toBase64, type NotesListener } from '@/session/meeting_notes';
import { OFFLINE, RequestError } from '@/signaling/errors';

/** The server's side of the exchange, with a line that can be cut. */
class Server {
  readonly doc = new Y.Doc();
  readonly pages: NotesDocument[] = [];
  offline = false;
  full = false;
  edits = 0;

  get text(): string {
    return this.doc.getText('notes').toString();
  }

  line(): { get(vector: string | null): Promise<Notes>; edit(update: string): Promise<NotesKept> } {
    const own = (): NotesDocument | undefined => this.pages[index];
    const index = this.pages.length;
    return {
      get: (vector) => {
        if (this.offline) return Promise.reject(new RequestError(OFFLINE));
        const since = vector === null ? undefined : fromBase64(vector);
        return Promise.resolve({ update: toBase64(Y.encodeStateAsUpdate(this.doc, since)), vector: this.vector() });
      },
      edit: (update) => {
        if (this.offline) return Promise.reject(new RequestError(OFFLINE));
        if (this.full) return Promise.reject(new RequestError('notes_too_long', '会议笔记已达长度上限，请删减后继续。'));
        this.edits += 1;
        Y.applyUpdate(this.doc, fromBase64(update));
        for (const page of this.pages) if (page !== own()) page.takeIn(update);
        return Promise.resolve({ vector: this.vector() });
      },
    };
  }

  private vector(): string {
    return toBase64(Y.encodeStateVector(this.doc));
  }
}

async function page(server: Server, listener: Partial<NotesListener> = {}): Promise<NotesDocument> {
  const line = server.line();
  const made = new NotesDocument(line, { changed: () => undefined, kept: () => undefined, refused: () => undefined, ...listener });
  server.pages.push(made);
  await made.synchronise();
  return made;
}

describe('the least that was changed', () => {
  it.each([
    ['', 'abc', 0, 0, 'abc'],
    ['abc', '', 0, 3, ''],
    ['abc', 'abXc', 2, 0, 'X'],
    ['aaa', 'aaaa', 3, 0, 'a'],
    ['中文字', '中X字', 1, 1, 'X'],
  ])('%s → %s', (before, after, at, removed, inserted) => {
    expect(difference(before, after)).toEqual({ at, removed, inserted });
  });

  it('a place stays with its words', () => {
    expect(moved(5, [{ retain: 2 }, { insert: 'xy' }])).toBe(7);
    expect(moved(5, [{ retain: 5 }, { insert: 'xy' }])).toBe(5);
    expect(moved(5, [{ retain: 1 }, { delete: 2 }])).toBe(3);
    expect(moved(2, [{ retain: 1 }, { delete: 9 }])).toBe(1);
  });
});

describe('notes of several pages', () => {
  it('written beside each other, nothing is lost', async () => {
    const server = new Server();
    const [first, second] = [await page(server), await page(server)];
    first.write('甲方。');
    second.write('乙方。');
    await first.flush();
    await second.flush();
    expect(first.text).toBe(server.text);
    expect(second.text).toBe(server.text);
    expect([...server.text].sort()).toEqual([...'甲方。乙方。'].sort());
  });

  it('what was written while the line was down goes out once it is back', async () => {
    const server = new Server();
    const kept = vi.fn();
    const first = await page(server, { kept });
    server.offline = true;
    first.write('离线时写的');
    await first.flush();
    expect(server.text).toBe('');
    expect(kept).toHaveBeenLastCalledWith(false);
    server.offline = false;
    await first.synchronise();
    await first.flush();
    expect(server.text).toBe('离线时写的');
    expect(kept).toHaveBeenLastCalledWith(true);
  });

  it('sending an edit twice changes nothing', async () => {
    const server = new Server();
    const first = await page(server);
    first.write('一次');
    await first.flush();
    // The acknowledgement was lost: the page asks, and learns that it is there.
    await first.synchronise();
    await first.flush();
    expect([server.text, server.edits]).toEqual(['一次', 1]);
  });

  it('what the server does not take is given up, and said', async () => {
    const server = new Server();
    const refused = vi.fn();
    const first = await page(server, { refused });
    first.write('留下');
    await first.flush();
    server.full = true;
    first.write('留下和多余的');
    await first.flush();
    expect(refused).toHaveBeenCalledOnce();
    expect(first.text).toBe('留下');
    server.full = false;
    first.write('留下了');
    await first.flush();
    expect(server.text).toBe('留下了');
  });
});

it('asks again when the notes are refused for a moment', async () => {
  vi.useFakeTimers();
  try {
    const server = new Server();
    (await page(server)).write('已记录。');
    await vi.advanceTimersByTimeAsync(1_000);
    const line = server.line();
    let refusals = 1;
    const get = (vector: string | null): Promise<Notes> => {
      refusals -= 1;
      return refusals < 0 ? line.get(vector) : Promise.reject(new RequestError('rate_limited', '', 500));
    };
    const changed = vi.fn();
    const late = new NotesDocument({ ...line, get }, { changed, kept: () => undefined, refused: () => undefined });
    const read = late.synchronise();
    await vi.advanceTimersByTimeAsync(600);
    await read;
    expect(late.text).toBe('已记录。');
    expect(changed).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
