/** What an editor does: `/api/knowledge/…`. All reject with `RequestError`, those that save with `FaultyError` too. */
import type { ServiceHttp } from '@/rest/http';
import type { Listing } from '@/lists/spec';
import type { FeedbackReason, QuestionRef, ReplyKind } from '@/rest/assistant';
import { toError } from '@/rest/http';
import { RequestError } from '@/signaling/errors';

export interface Fault {
  readonly place: string;
  readonly problem: string;
}

/** What was to be saved is broken, and where; nothing was changed. */
export class FaultyError extends RequestError {
  readonly faults: readonly Fault[];
  /** Of which `faults` are the first. */
  readonly count: number;

  constructor(error: RequestError, faults: readonly Fault[], count: number) {
    super(error.code, error.message, error.retryAfterMs);
    this.faults = faults;
    this.count = count;
  }
}

export interface QuestionContent {
  topic: string;
  title: string;
  aliases: string[];
  answer: string;
  keywords: string[];
  links: { title: string; url: string }[];
  regions: string[];
  valid_from: string | null;
  valid_until: string | null;
  hot_rank: number | null;
  pages: string[];
  demonstration: boolean;
  /** What versions from before there were documents do not have. */
  documents?: readonly AnswerDocument[];
}

/** A file of an answer; `size` in bytes. */
export interface AnswerDocument {
  readonly file_id: string;
  readonly name: string;
  readonly size: number;
}

export interface Question extends QuestionContent {
  readonly question_id: string;
  readonly revision: number;
  readonly updated_at: number;
  readonly updated_by: string;
}

export interface Version {
  readonly revision: number;
  readonly saved_at: number;
  readonly saved_by: string;
  /** null: removed with this version. */
  readonly content: QuestionContent | null;
}

export interface Option {
  label: string;
  question_id?: string | null;
  clarification_id?: string | null;
}

export interface Clarification {
  clarification_id: string;
  prompt: string;
  triggers: string[];
  options: Option[];
}

export interface PackPart {
  pack_id: string;
  name: string;
  sort_order: number;
  question_ids: string[];
}

export interface EntryPart {
  entry_id: string;
  title: string;
  kind: 'link' | 'question';
  target: string;
  regions: string[];
  sort_order: number;
}

export interface RightPart {
  right_id: string;
  title: string;
  text: string;
  url: string | null;
  regions: string[];
  sort_order: number;
}

export interface TopicPart {
  topic_id: string;
  name: string;
}

export interface Parts {
  readonly topics: readonly TopicPart[];
  readonly synonyms: readonly (readonly string[])[];
  readonly off_subject: readonly string[];
  readonly clarifications: readonly Clarification[];
  readonly packs: readonly PackPart[];
  readonly quick_entries: readonly EntryPart[];
  readonly rights: readonly RightPart[];
  /** What is sent back with a part that is saved, so that nobody's work is overwritten unseen. */
  readonly etags: Readonly<Record<PartName, string>>;
}
export type PartName = Exclude<keyof Parts, 'etags'>;

export interface RemovedQuestion {
  readonly question_id: string;
  readonly title: string;
  readonly removed_at: number;
  readonly removed_by: string;
}

export interface Status {
  readonly version: number;
  readonly answering: number;
  readonly phase: 'idle' | 'building' | 'failed';
  readonly done: number;
  readonly total: number;
  readonly vectors: boolean;
  readonly questions: number;
}

export type WorkKind = 'miss' | 'unsure' | 'useless';

export interface WorkItem {
  readonly turn_id: string;
  readonly work: WorkKind;
  readonly asked: string;
  readonly times: number;
  readonly last_at: number;
  readonly reasons: Readonly<Partial<Record<FeedbackReason, number>>>;
  readonly answered: QuestionRef | null;
  readonly suggested: readonly QuestionRef[];
}

export interface DayFigures {
  readonly day: string;
  readonly turns: number;
  readonly typed: number;
  readonly answered: number;
  readonly unsure: number;
  readonly clarified: number;
  readonly off_subject: number;
  readonly useful: number;
  readonly useless: number;
  readonly people: number;
  readonly handed_over: number;
}

export interface Figures {
  readonly days: readonly DayFigures[];
  readonly open: Readonly<Record<WorkKind, number>>;
}

export interface Tried {
  readonly kind: ReplyKind;
  readonly answer: string | null;
  readonly prompt: string | null;
  readonly verdict: string;
  readonly candidates: readonly (QuestionRef & { readonly score: number })[];
}

export type BulkAction =
  | { readonly action: 'remove' | 'unpin' }
  | { readonly action: 'move'; readonly topic: string }
  | { readonly action: 'limit'; readonly valid_until: string | null };

export interface Imported {
  readonly questions: number;
  readonly added: number | null;
  readonly changed: number | null;
}

const ROOT = '/api/knowledge';
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
const one = (id: string): string => `${ROOT}/questions/${encodeURIComponent(id)}`;

export class KnowledgeApi {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  list(query: Readonly<Record<string, string>>): Promise<Listing<Question>> {
    return this.#http.send(`${ROOT}/questions?${new URLSearchParams(query).toString()}`);
  }

  get(id: string): Promise<Question> {
    return this.#http.send(one(id));
  }

  save(id: string, revision: number, content: QuestionContent): Promise<Question> {
    return this.#save('PUT', one(id), { revision, ...content, documents: (content.documents ?? []).map((document) => document.file_id) });
  }

  async remove(id: string): Promise<void> {
    await this.#http.send(one(id), { method: 'DELETE' });
  }

  addAlias(id: string, alias: string, turnId: string | null): Promise<Question> {
    return this.#save('POST', `${one(id)}/aliases`, { alias, turn_id: turnId });
  }

  async versions(id: string): Promise<readonly Version[]> {
    return (await this.#http.send<{ versions: Version[] }>(`${one(id)}/versions`)).versions;
  }

  async bulk(ids: readonly string[], action: BulkAction): Promise<number> {
    return (await this.#save<{ changed: number }>('POST', `${ROOT}/bulk`, { question_ids: ids, ...action })).changed;
  }

  parts(): Promise<Parts> {
    return this.#http.send(`${ROOT}/parts`);
  }

  savePart(name: PartName, content: unknown, etag: string): Promise<Parts> {
    return this.#save('PUT', `${ROOT}/parts/${name}`, { content, etag });
  }

  removed(page: number): Promise<Listing<RemovedQuestion>> {
    return this.#http.send(`${ROOT}/removed?page=${page}`);
  }

  status(): Promise<Status> {
    return this.#http.send(`${ROOT}/status`);
  }

  try(text: string): Promise<Tried> {
    return this.#http.send(`${ROOT}/try`, { method: 'POST', body: { text } });
  }

  async titles(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { questions } = await this.#http.send<{ questions: QuestionRef[] }>(`${ROOT}/titles`, { method: 'POST', body: { question_ids: ids } });
    return new Map(questions.map((question) => [question.question_id, question.title]));
  }

  work(query: Readonly<Record<string, string>>): Promise<Listing<WorkItem>> {
    return this.#http.send(`${ROOT}/work?${new URLSearchParams(query).toString()}`);
  }

  async settle(turnId: string): Promise<void> {
    await this.#http.send(`${ROOT}/work/${encodeURIComponent(turnId)}/settle`, { method: 'POST' });
  }

  figures(days: number): Promise<Figures> {
    return this.#http.send(`${ROOT}/figures?days=${days}`);
  }

  /** `check`: only looked at, nothing is changed. */
  import(file: File, check: boolean): Promise<Imported> {
    const type = file.name.toLowerCase().endsWith('.json') ? 'application/json' : XLSX;
    return this.#save('POST', `${ROOT}/import${check ? '/check' : ''}`, file, type);
  }

  async export(kind: 'json' | 'xlsx'): Promise<Blob> {
    const response = await this.#fetch('GET', `${ROOT}/export.${kind}`);
    if (!response.ok) throw toError(await response.json().catch(() => null));
    return response.blob();
  }

  async #save<Result>(method: string, path: string, body: unknown, type = 'application/json'): Promise<Result> {
    const response = await this.#fetch(method, path, body instanceof Blob ? body : JSON.stringify(body), type);
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as Result;
    const { faults, fault_count } = (answer ?? {}) as { faults?: Fault[]; fault_count?: number };
    throw faults === undefined ? toError(answer) : new FaultyError(toError(answer), faults, fault_count ?? faults.length);
  }

  async #fetch(method: string, path: string, body?: BodyInit, type?: string): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json', Authorization: await this.#http.authorization() };
    if (type !== undefined) headers['Content-Type'] = type;
    try {
      return await fetch(this.#http.address(path), { method, headers, body, cache: 'no-store', credentials: 'omit' });
    } catch {
      throw new RequestError('offline');
    }
  }
}
