/** A deed that is asked about before it is done: once more whether, or for what reason. One question at a time. */
import { shallowRef, type ShallowRef } from 'vue';

export interface Question {
  readonly title: string;
  readonly detail?: string;
  /** The word on the button that does it. */
  readonly confirm: string;
  readonly danger?: boolean;
  /** With this it is asked why; what the field is called. */
  readonly reason?: string;
  readonly act: (reason: string) => unknown;
}

export interface Asking {
  readonly question: ShallowRef<Question | null>;
  ask(question: Question): void;
}

export function useAsk(): Asking {
  const question = shallowRef<Question | null>(null);
  return { question, ask: (next) => (question.value = next) };
}
