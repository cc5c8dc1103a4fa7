/** 悦悦 over REST: `/api/assistant/…`. All reject with `RequestError`. */
import type { ServiceHttp } from './http';

export type ReplyKind = 'greeting' | 'thanks' | 'answer' | 'choices' | 'clarify' | 'off_subject' | 'human';
export type Feedback = 'useful' | 'useless';
export type FeedbackReason = 'off_point' | 'wrong' | 'other';

export interface QuestionRef {
  readonly question_id: string;
  readonly title: string;
}

export interface Answer extends QuestionRef {
  /** Markdown. */
  readonly text: string;
  readonly links: readonly { readonly title: string; readonly url: string }[];
  /** Files; a link to one is asked for when it is opened. `size` in bytes. */
  readonly documents: readonly { readonly file_id: string; readonly name: string; readonly size: number; readonly media_type: string }[];
  readonly demonstration: boolean;
}

export interface Turn {
  readonly turn_id: string;
  readonly at: number;
  readonly asked: string;
  readonly via: 'typed' | 'spoken' | 'question' | 'option';
  readonly kind: ReplyKind;
  /** null although an answer was given: the question is not there any more. */
  readonly answer: Answer | null;
  /** Choices, or what is related to the answer. */
  readonly questions: readonly QuestionRef[];
  readonly clarification: { readonly clarification_id: string; readonly prompt: string; readonly options: readonly string[] } | null;
  readonly offer_human: boolean;
  readonly feedback: Feedback | null;
  readonly feedback_reason: FeedbackReason | null;
}

export interface QuickEntry {
  readonly entry_id: string;
  readonly title: string;
  readonly kind: 'link' | 'question';
  readonly target: string;
}

export interface Pack {
  readonly pack_id: string;
  readonly name: string;
}

export interface Welcome {
  readonly guesses: readonly QuestionRef[];
  readonly hot: readonly QuestionRef[];
  readonly packs: readonly Pack[];
  readonly entries: readonly QuickEntry[];
  readonly favourites: readonly QuestionRef[];
  readonly turns: readonly Turn[];
}

/** `spoken`: some of the text was dictated, and homophones may stand in it. */
export type Said = { readonly text: string; readonly spoken?: boolean } | { readonly question_id: string } | { readonly clarification_id: string; readonly option: number };

export const PAGE_OF_TURNS = 30;
const ROOT = '/api/assistant';
const query = (values: Record<string, string>): string => new URLSearchParams(values).toString();

export class AssistantApi {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  welcome(page: string): Promise<Welcome> {
    return this.#http.send(`${ROOT}/welcome?${query({ page })}`);
  }

  async guesses(page: string, skip: number): Promise<readonly QuestionRef[]> {
    return (await this.#http.send<{ questions: QuestionRef[] }>(`${ROOT}/guesses?${query({ page, skip: String(skip) })}`)).questions;
  }

  async pack(packId: string, words: string): Promise<readonly QuestionRef[]> {
    return (await this.#http.send<{ questions: QuestionRef[] }>(`${ROOT}/packs/${encodeURIComponent(packId)}?${query({ words })}`)).questions;
  }

  async suggestions(text: string, signal: AbortSignal): Promise<readonly QuestionRef[]> {
    return (await this.#http.send<{ questions: QuestionRef[] }>(`${ROOT}/suggestions?${query({ text })}`, { signal })).questions;
  }

  ask(said: Said, page: string): Promise<Turn> {
    return this.#http.send(`${ROOT}/turns`, { method: 'POST', body: { ...said, page } });
  }

  async judge(turnId: string, feedback: Feedback, reason: FeedbackReason | null): Promise<void> {
    await this.#http.send(`${ROOT}/turns/${encodeURIComponent(turnId)}/feedback`, { method: 'PUT', body: { feedback, reason } });
  }

  async keep(questionId: string, kept: boolean): Promise<void> {
    await this.#http.send(`${ROOT}/favourites/${encodeURIComponent(questionId)}`, { method: 'PUT', body: { kept } });
  }

  /** What one asked before this time, in its order; fewer than `PAGE_OF_TURNS`: it is the beginning. */
  async turnsBefore(at: number): Promise<readonly Turn[]> {
    return (await this.#http.send<{ turns: Turn[] }>(`${ROOT}/turns?${query({ before: String(at) })}`)).turns;
  }

  /** For staff: what the taxpayer asked before this interaction. */
  async ofInteraction(interactionId: string): Promise<readonly Turn[]> {
    return (await this.#http.send<{ turns: Turn[] }>(`/api/interactions/${encodeURIComponent(interactionId)}/assistant`)).turns;
  }
}
