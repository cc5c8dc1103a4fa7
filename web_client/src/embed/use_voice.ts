/** Dictation and reading aloud in the window: when each may run, and what ends it. */
import { computed, ref, watch, type ComputedRef, type Ref } from 'vue';
import type { SessionContext } from '@/composables/use_session';
import type { VoiceState } from '@/rest/voice';
import { useAnnouncer, type Announcer } from '@/speech/use_announcer';
import { useDictation, type Dictation } from '@/speech/use_dictation';
import type { EmbedConfig } from './config';

const MAX_CHARACTERS = 4_000;
const OFF: Readonly<Record<VoiceState['recognition'], string>> = {
  ready: '',
  not_configured: '语音输入未开通，请直接打字',
  unavailable: '语音输入暂时不可用，请直接打字',
};

interface Surroundings {
  readonly session: SessionContext;
  readonly config: EmbedConfig;
  readonly shown: ComputedRef<boolean>;
  readonly calling: ComputedRef<boolean>;
  readonly draft: Ref<string>;
  readonly input: () => HTMLTextAreaElement | undefined;
  readonly tell: (title: string) => void;
}

export interface Voice {
  readonly dictation: Dictation;
  /** Why one cannot dictate; empty: one can. */
  readonly dictationOff: ComputedRef<string>;
  dictate(): void;
  readonly announcer: Announcer;
  /** Keys of the input while one speaks: Enter ends, Escape takes back. True: it was meant for that. */
  onKey(event: KeyboardEvent): boolean;
}

export function useVoice({ session, config, shown, calling, draft, input, tell }: Surroundings): Voice {
  /** Not asked yet, or not answered: a try will tell. */
  const state = ref<VoiceState | null>(null);
  const announcer = useAnnouncer(session.client.voice);
  const dictation = useDictation({
    server: config.server,
    token: () => config.token,
    preferences: session.client.preferences,
    draft,
    cursor: () => input()?.selectionEnd ?? draft.value.length,
    maxCharacters: MAX_CHARACTERS,
    tell,
    done(cursor) {
      const element = input();
      // After the text is in the page.
      requestAnimationFrame(() => {
        element?.focus();
        element?.setSelectionRange(cursor, cursor);
        if (element !== undefined) element.scrollTop = element.scrollHeight;
      });
    },
  });

  const dictationOff = computed(() => {
    if (calling.value) return '通话中请直接说话或打字';
    return OFF[state.value?.recognition ?? 'ready'];
  });

  async function ask(): Promise<void> {
    try {
      state.value = await session.client.voice.state();
    } catch {
      state.value = null;
    }
  }

  watch(
    shown,
    (on) => {
      if (on) {
        if (state.value?.recognition !== 'ready') void ask();
      } else {
        dictation.stop();
        announcer.hide();
      }
    },
    { immediate: true },
  );
  watch(calling, (on) => {
    if (!on) return;
    dictation.stop();
    announcer.hide();
  });

  function dictate(): void {
    if (dictationOff.value !== '') {
      tell(`${dictationOff.value}。`);
      return;
    }
    // What is read out would be heard as spoken.
    announcer.hide();
    void dictation.start();
    input()?.focus();
  }

  return {
    dictation,
    dictationOff,
    dictate,
    announcer,
    onKey(event) {
      if (dictation.phase.value === 'idle') return false;
      if (event.key === 'Enter') dictation.stop();
      else if (event.key === 'Escape') dictation.cancel();
      return event.key === 'Enter' || event.key === 'Escape';
    },
  };
}
