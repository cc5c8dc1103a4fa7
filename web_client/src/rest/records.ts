/** What the server keeps beside the live conversations. All lists come newest first unless said otherwise. */
import type { CloseReason, MessageView } from '@/protocol/messages';
import type { ServiceHttp } from './http';

/** A closed conversation of history, with its lines in order of `seq`. */
export interface PastInteraction {
  readonly interaction_id: string;
  readonly opened_at: number;
  readonly closed_at: number | null;
  readonly close_reason: CloseReason | null;
  readonly staff_number: string | null;
  readonly messages: readonly MessageView[];
}

export interface HistoryPage {
  readonly interactions: readonly PastInteraction[];
  /** For the page before; null at the beginning of all. */
  readonly next: string | null;
}

export interface CannedReply {
  readonly reply_id: string;
  readonly group: string;
  readonly title: string;
  readonly text: string;
  readonly shortcut: string | null;
}

export interface WrapUpCode {
  readonly code: string;
  readonly name: string;
}

export interface Note {
  readonly note_id: string;
  readonly text: string;
  readonly staff_number: string;
  readonly created_at: number;
}

/** Unmasked; every reading of it is recorded. */
export interface Revealed {
  readonly name: string;
  readonly phone: string | null;
  readonly company: string | null;
}

const of = (interactionId: string): string => `/api/interactions/${encodeURIComponent(interactionId)}`;

export class Records {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  /** One's own; an agent's of the taxpayer of `interactionId`. */
  history(before: string | null, interactionId: string | null = null): Promise<HistoryPage> {
    const query = new URLSearchParams();
    if (before !== null) query.set('before', before);
    if (interactionId !== null) query.set('interaction_id', interactionId);
    return this.#http.send(`/api/history?${query.toString()}`);
  }

  /** A short-lived address of a file's bytes. */
  async link(fileId: string): Promise<string> {
    const { path } = await this.#http.send<{ path: string }>(`/api/files/${encodeURIComponent(fileId)}/link`, { method: 'POST' });
    return this.#http.address(path);
  }

  async cannedReplies(): Promise<readonly CannedReply[]> {
    return (await this.#http.send<{ replies: CannedReply[] }>('/api/canned-replies')).replies;
  }

  async wrapUpCodes(interactionId: string): Promise<readonly WrapUpCode[]> {
    return (await this.#http.send<{ codes: WrapUpCode[] }>(`${of(interactionId)}/wrap-up-codes`)).codes;
  }

  async notes(interactionId: string): Promise<readonly Note[]> {
    return (await this.#http.send<{ notes: Note[] }>(`${of(interactionId)}/notes`)).notes;
  }

  addNote(interactionId: string, text: string): Promise<Note> {
    return this.#http.send(`${of(interactionId)}/notes`, { method: 'POST', body: { text } });
  }

  async tags(interactionId: string): Promise<readonly string[]> {
    return (await this.#http.send<{ tags: string[] }>(`${of(interactionId)}/tags`)).tags;
  }

  async putTags(interactionId: string, tags: readonly string[]): Promise<void> {
    await this.#http.send(`${of(interactionId)}/tags`, { method: 'PUT', body: { tags } });
  }

  reveal(interactionId: string): Promise<Revealed> {
    return this.#http.send(`${of(interactionId)}/reveal`, { method: 'POST' });
  }
}
