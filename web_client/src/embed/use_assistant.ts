/** The conversation with 悦悦 in the window: what she shows unasked, what was asked, and type-ahead. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { PAGE_OF_TURNS, type AssistantApi, type Feedback, type FeedbackReason, type QuestionRef, type Said, type Turn, type Welcome } from '@/rest/assistant';
import type { SessionContext } from '@/composables/use_session';

export const MAX_ASKED = 500;
const SUGGEST_AFTER_MS = 80;
const MAX_TYPED = 50;
const GUESSES = 3;

export interface Assistant {
  readonly welcome: ShallowRef<Welcome | null>;
  /** What she shows unasked could not be fetched. */
  readonly failed: Ref<boolean>;
  readonly guesses: ShallowRef<readonly QuestionRef[]>;
  readonly turns: ComputedRef<readonly Turn[]>;
  /** 历史聊天记录: asked before what is shown, loaded when one asks for it. */
  readonly past: ComputedRef<readonly Turn[]>;
  readonly hasPast: ComputedRef<boolean>;
  /** On its way; shown at once. */
  readonly pending: Ref<string | null>;
  readonly favourites: ShallowRef<readonly QuestionRef[]>;
  readonly suggestions: ShallowRef<readonly QuestionRef[]>;
  load(): Promise<void>;
  otherGuesses(): void;
  /** Rejects with `RequestError`. */
  ask(said: Said, words: string): Promise<Turn>;
  judge(turn: Turn, feedback: Feedback, reason: FeedbackReason | null): void;
  toggleFavourite(question: QuestionRef): void;
  pack(packId: string, words: string): Promise<readonly QuestionRef[]>;
  forgetSuggestions(): void;
  /** What was cleared from view first, then what the server keeps. Rejects with `RequestError`. */
  loadPast(): Promise<void>;
  clear(): void;
  showAll(): void;
}

/** `typed`: what stands in the input while it is meant for her; null while it is for a human. */
export function useAssistant(session: SessionContext, api: AssistantApi, page: string, typed: Ref<string | null>): Assistant {
  const welcome = shallowRef<Welcome | null>(null);
  const failed = ref(false);
  const guesses = shallowRef<readonly QuestionRef[]>([]);
  const all = shallowRef<readonly Turn[]>([]);
  const clearedAt = ref(0);
  /** Up to here turns are shown as history. */
  const pastUntil = ref(0);
  const allLoaded = ref(false);
  const hidden = computed(() => all.value.some((turn) => turn.at > pastUntil.value && turn.at <= clearedAt.value));
  const pending = ref<string | null>(null);
  const favourites = shallowRef<readonly QuestionRef[]>([]);
  const suggestions = shallowRef<readonly QuestionRef[]>([]);
  let skip = 0;
  let running: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** What was chosen or sent is not suggested again until something else is typed. */
  let settled = '';

  function forgetSuggestions(): void {
    clearTimeout(timer);
    running?.abort();
    suggestions.value = [];
    settled = typed.value ?? '';
  }

  watch(typed, (text) => {
    clearTimeout(timer);
    running?.abort();
    const words = text?.trim() ?? '';
    if (words === '' || words.length > MAX_TYPED || words.includes('\n') || text === settled) {
      suggestions.value = [];
      return;
    }
    timer = setTimeout(() => {
      const mine = new AbortController();
      running = mine;
      api.suggestions(words, mine.signal).then(
        (found) => {
          if (!mine.signal.aborted) suggestions.value = found;
        },
        () => {
          // Typing goes on without it.
          if (!mine.signal.aborted) suggestions.value = [];
        },
      );
    }, SUGGEST_AFTER_MS);
  });
  onScopeDispose(forgetSuggestions);

  const replace = (turn: Turn): void => {
    all.value = all.value.map((one) => (one.turn_id === turn.turn_id ? turn : one));
  };

  return {
    welcome,
    failed,
    guesses,
    turns: computed(() => all.value.filter((turn) => turn.at > Math.max(clearedAt.value, pastUntil.value))),
    past: computed(() => all.value.filter((turn) => turn.at <= pastUntil.value)),
    hasPast: computed(() => hidden.value || !allLoaded.value),
    pending,
    favourites,
    suggestions,
    async load() {
      failed.value = false;
      try {
        const found = await api.welcome(page);
        welcome.value = found;
        guesses.value = found.guesses;
        favourites.value = found.favourites;
        const newer = all.value.filter((turn) => !found.turns.some((one) => one.turn_id === turn.turn_id));
        all.value = [...found.turns, ...newer];
      } catch {
        failed.value = true;
      }
    },
    otherGuesses() {
      void session.run('assistant.guesses', async () => {
        guesses.value = await api.guesses(page, skip + GUESSES);
        skip += GUESSES;
      });
    },
    async ask(said, words) {
      forgetSuggestions();
      pending.value = words;
      try {
        const turn = await api.ask(said, page);
        all.value = [...all.value, turn];
        return turn;
      } finally {
        pending.value = null;
      }
    },
    judge(turn, feedback, reason) {
      void session.run(`assistant.judge.${turn.turn_id}`, async () => {
        await api.judge(turn.turn_id, feedback, reason);
        replace({ ...turn, feedback, feedback_reason: reason });
      });
    },
    toggleFavourite(question) {
      const kept = !favourites.value.some((one) => one.question_id === question.question_id);
      void session.run(`assistant.keep.${question.question_id}`, async () => {
        await api.keep(question.question_id, kept);
        const others = favourites.value.filter((one) => one.question_id !== question.question_id);
        favourites.value = kept ? [{ question_id: question.question_id, title: question.title }, ...others] : others;
      });
    },
    pack: (packId, words) => api.pack(packId, words),
    forgetSuggestions,
    async loadPast() {
      if (hidden.value) {
        pastUntil.value = clearedAt.value;
        return;
      }
      if (allLoaded.value) return;
      const found = await api.turnsBefore(all.value[0]?.at ?? Date.now());
      allLoaded.value = found.length < PAGE_OF_TURNS;
      all.value = [...found, ...all.value];
      pastUntil.value = Math.max(pastUntil.value, found.at(-1)?.at ?? 0);
    },
    clear() {
      clearedAt.value = all.value.at(-1)?.at ?? 0;
      pastUntil.value = 0;
    },
    showAll() {
      clearedAt.value = 0;
    },
  };
}
