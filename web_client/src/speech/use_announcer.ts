/** 语音播报: which answer is read, by whom, and what one may do with it. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { failureText } from '@/messages';
import type { VoiceApi } from '@/rest/voice';
import { toFragment } from '@/components/markdown';
import { awaitChineseVoice, speakByBrowser, speakSound, wordsOf, type Speaking } from './speaking';

export type AnnouncerPhase = 'hidden' | 'loading' | 'speaking' | 'paused' | 'ended' | 'failed';

export interface Readable {
  readonly question_id: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
}

export interface Announcer {
  readonly phase: Ref<AnnouncerPhase>;
  readonly reading: ShallowRef<Readable | null>;
  /** By whom; for those who look. */
  readonly voice: Ref<'browser' | 'server' | null>;
  /** What to do when it failed. */
  readonly problem: Ref<string>;
  /** 0 to 1; changes with every frame while it speaks. */
  readonly mouth: Ref<number>;
  read(answer: Readable): Promise<void>;
  pause(): void;
  resume(): void;
  again(): void;
  /** ⊗ */
  hide(): void;
}

export function useAnnouncer(api: VoiceApi): Announcer {
  const phase = ref<AnnouncerPhase>('hidden');
  const reading = shallowRef<Readable | null>(null);
  const voice = ref<'browser' | 'server' | null>(null);
  const problem = ref('');
  const mouth = ref(0);
  let speaking: Speaking | null = null;
  let context: AudioContext | null = null;
  let fetching: AbortController | null = null;
  let frame = 0;

  function silence(): void {
    fetching?.abort();
    fetching = null;
    speaking?.stop();
    speaking = null;
    context?.close().catch(() => undefined);
    context = null;
    cancelAnimationFrame(frame);
    mouth.value = 0;
  }

  function move(): void {
    mouth.value = speaking?.mouth() ?? 0;
    frame = requestAnimationFrame(move);
  }

  const events = {
    ended() {
      silence();
      phase.value = 'ended';
    },
    failed() {
      silence();
      phase.value = 'failed';
      problem.value = '播报没有完成，请点击【重新播报】，或阅读文字。';
    },
  };

  async function read(answer: Readable): Promise<void> {
    silence();
    reading.value = answer;
    phase.value = 'loading';
    const mine = new AbortController();
    fetching = mine;
    const words = wordsOf(toFragment(answer.text));
    if (words === '') {
      phase.value = 'failed';
      problem.value = '这个答案没有可以播报的文字，请直接查看。';
      return;
    }
    // Made in the click itself: later a browser would keep it silent.
    const opened = typeof AudioContext === 'undefined' ? null : new AudioContext();
    context = opened;
    try {
      const own = await awaitChineseVoice();
      if (mine.signal.aborted) return;
      if (own !== null) {
        voice.value = 'browser';
        speaking = speakByBrowser(words, own, events);
      } else {
        voice.value = 'server';
        const sound = await api.answer(answer.question_id, mine.signal);
        if (mine.signal.aborted || opened === null) return;
        const started = await speakSound(sound, opened, events);
        if (mine.signal.aborted) {
          started.stop();
          return;
        }
        speaking = started;
      }
      phase.value = 'speaking';
      move();
    } catch (error) {
      if (mine.signal.aborted) return;
      silence();
      phase.value = 'failed';
      problem.value = failureText(error);
    }
  }

  function hide(): void {
    silence();
    phase.value = 'hidden';
    reading.value = null;
  }

  onScopeDispose(hide);

  return {
    phase,
    reading,
    voice,
    problem,
    mouth,
    read,
    pause() {
      if (phase.value !== 'speaking') return;
      speaking?.pause();
      cancelAnimationFrame(frame);
      mouth.value = 0;
      phase.value = 'paused';
    },
    resume() {
      if (phase.value !== 'paused') return;
      phase.value = 'speaking';
      speaking?.resume();
      move();
    },
    again() {
      if (reading.value !== null) void read(reading.value);
    },
    hide,
  };
}
