/** What the server keeps beside the live conversations. All lists come newest first unless said otherwise. */
import type { InteractionPhase, MessageView } from '@/protocol/messages';
import type { ServiceHttp } from './http';

/** A line of any of a taxpayer's conversations. */
export interface HistoryItem {
  readonly interaction_id: string;
  readonly message: MessageView;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** For the page before; null at the beginning of all. */
  readonly next_cursor: string | null;
}

export interface PastSession {
  readonly interaction_id: string;
  readonly phase: InteractionPhase;
  readonly staff_number: string | null;
  readonly opened_at: number;
  readonly closed_at: number | null;
  readonly wrap_up_name: string | null;
  readonly wrap_up_note: string | null;
}

export interface CannedReply {
  readonly reply_id: string;
  readonly group: string;
  readonly title: string;
  readonly text: string;
  /** With its variables replaced. */
  readonly filled: string;
  readonly shortcut: string | null;
}

export interface WrapUpCode {
  readonly code: string;
  readonly name: string;
}

export interface Note {
  readonly note_id: string;
  readonly text: string;
  readonly staff_number: string | null;
  readonly mine: boolean;
  readonly created_at: number;
}

export type CompositionState = 'running' | 'done' | 'failed';

/** A recording of a call. `file` of a track is null when its codec could not be recorded. */
export interface CallRecording {
  readonly recording_id: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly tracks: readonly { readonly display_name: string; readonly source: string; readonly file: string | null }[];
  readonly consents: readonly { readonly person_id: string; readonly display_name: string; readonly consent: 'asked' | 'given' | 'refused' }[];
  readonly composition: { readonly state: CompositionState; readonly share: number } | null;
}

export type RevealedField = 'name' | 'phone' | 'company';

const of = (interactionId: string): string => `/api/interactions/${encodeURIComponent(interactionId)}`;

export class Records {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  /** One's own; with `interactionId` of the taxpayer one serves there. */
  history(cursor: string | null, interactionId: string | null = null): Promise<Page<HistoryItem>> {
    const path = interactionId === null ? '/api/history' : `${of(interactionId)}/history`;
    return this.#http.send(cursor === null ? path : `${path}?cursor=${encodeURIComponent(cursor)}`);
  }

  async sessions(interactionId: string): Promise<readonly PastSession[]> {
    return (await this.#http.send<Page<PastSession>>(`${of(interactionId)}/sessions`)).items;
  }

  /** A short-lived address of a file's bytes. */
  async link(fileId: string): Promise<string> {
    const { url } = await this.#http.send<{ url: string }>(`/api/files/${encodeURIComponent(fileId)}/link`, { method: 'POST' });
    return this.#http.address(url);
  }

  async cannedReplies(interactionId: string): Promise<readonly CannedReply[]> {
    const query = new URLSearchParams({ interaction_id: interactionId });
    return (await this.#http.send<{ replies: CannedReply[] }>(`/api/canned-replies?${query.toString()}`)).replies;
  }

  async wrapUpCodes(): Promise<readonly WrapUpCode[]> {
    return (await this.#http.send<{ codes: WrapUpCode[] }>('/api/wrap-up-codes')).codes;
  }

  /** Of the calls of an interaction, or of a meeting. */
  async recordings(kind: 'interactions' | 'meetings', id: string): Promise<readonly CallRecording[]> {
    return (await this.#http.send<{ items: CallRecording[] }>(`/api/${kind}/${encodeURIComponent(id)}/recordings`)).items;
  }

  /** A short-lived address of a file of a recording; that it was asked for is kept. */
  async playRecording(recordingId: string, file: string): Promise<string> {
    const path = `/api/recordings/${encodeURIComponent(recordingId)}/viewings`;
    const { url } = await this.#http.send<{ url: string }>(path, { method: 'POST', body: { file } });
    return this.#http.address(url);
  }

  /** Begin to make one file of it. */
  async composeRecording(recordingId: string): Promise<void> {
    await this.#http.send(`/api/recordings/${encodeURIComponent(recordingId)}/composition`, { method: 'POST' });
  }

  async notes(interactionId: string): Promise<readonly Note[]> {
    return (await this.#http.send<Page<Note>>(`${of(interactionId)}/notes`)).items;
  }

  addNote(interactionId: string, text: string): Promise<Note> {
    return this.#http.send(`${of(interactionId)}/notes`, { method: 'POST', body: { text } });
  }

  async removeNote(interactionId: string, noteId: string): Promise<void> {
    await this.#http.send(`${of(interactionId)}/notes/${encodeURIComponent(noteId)}`, { method: 'DELETE' });
  }

  async tags(interactionId: string): Promise<readonly string[]> {
    return (await this.#http.send<{ tags: string[] }>(`${of(interactionId)}/tags`)).tags;
  }

  async addTag(interactionId: string, name: string): Promise<readonly string[]> {
    return (await this.#http.send<{ tags: string[] }>(`${of(interactionId)}/tags`, { method: 'POST', body: { name } })).tags;
  }

  async removeTag(interactionId: string, name: string): Promise<readonly string[]> {
    const query = new URLSearchParams({ name });
    return (await this.#http.send<{ tags: string[] }>(`${of(interactionId)}/tags?${query.toString()}`, { method: 'DELETE' })).tags;
  }

  /** 工单: its number. */
  async raiseWorkOrder(interactionId: string, subject: string, detail: string): Promise<string> {
    const body = { interaction_id: interactionId, subject, detail };
    return (await this.#http.send<{ number: string }>('/api/casework/work-orders', { method: 'POST', body })).number;
  }

  /** Unmasked; the server records it. */
  async reveal(interactionId: string, field: RevealedField): Promise<string | null> {
    return (await this.#http.send<{ value: string | null }>(`${of(interactionId)}/reveal`, { method: 'POST', body: { field } })).value;
  }
}
