/** From the input to 悦悦: words, a click, or what type-ahead suggests, chosen by keyboard or mouse. */
import { ref, watch, type ComputedRef, type Ref } from 'vue';
import type { QuestionRef, Said } from '@/rest/assistant';
import type { SessionContext } from '@/composables/use_session';
import { RequestError } from '@/signaling/errors';
import type { Assistant } from './use_assistant';

interface Surroundings {
  readonly session: SessionContext;
  readonly assistant: Assistant;
  readonly draft: Ref<string>;
  readonly canAsk: ComputedRef<boolean>;
  /** A human serves, in the conversation `id`. */
  readonly open: ComputedRef<boolean>;
  readonly id: ComputedRef<string>;
  /** 人工 was asked for in words. */
  readonly human: () => void;
}

export interface Asking {
  /** Which suggestion the keys are at; -1 is the input itself. */
  readonly active: Ref<number>;
  ask(said: Said, words: string): Promise<void>;
  pick(question: QuestionRef): void;
  /** Whether the key was meant for the suggestions. */
  onKey(event: KeyboardEvent): boolean;
}

export function useAsking({ session, assistant, draft, canAsk, open, id, human }: Surroundings): Asking {
  const active = ref(-1);
  watch(assistant.suggestions, () => {
    active.value = -1;
  });

  /** What could not be asked goes back into the input. */
  async function ask(said: Said, words: string): Promise<void> {
    if (!canAsk.value) return;
    let wanted = false;
    const done = await session.run('assistant.ask', async () => {
      try {
        wanted = (await assistant.ask(said, words)).kind === 'human';
      } catch (error) {
        if (!(error instanceof RequestError) || error.code !== 'assistant_silent' || !open.value) throw error;
        // A human came meanwhile: it is for them.
        await session.client.sendMessage(id.value, words);
      }
    });
    if (!done && 'text' in said && draft.value === '') draft.value = words;
    if (wanted) human();
  }

  function pick(question: QuestionRef): void {
    draft.value = '';
    void ask({ question_id: question.question_id }, question.title);
  }

  function onKey(event: KeyboardEvent): boolean {
    const { length } = assistant.suggestions.value;
    if (length === 0) return false;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      // One place more than there are: the input itself.
      active.value = ((active.value + 1 + step + length + 1) % (length + 1)) - 1;
      return true;
    }
    const chosen = assistant.suggestions.value[active.value];
    if (event.key === 'Enter' && !event.shiftKey && chosen !== undefined) {
      pick(chosen);
      return true;
    }
    if (event.key !== 'Escape') return false;
    assistant.forgetSuggestions();
    return true;
  }

  return { active, ask, pick, onKey };
}
