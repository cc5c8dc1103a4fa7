/** Dictation into an input: what was there stays, what is said comes where the cursor was. */
import { onScopeDispose, ref, watch, type Ref } from 'vue';
import { dictationProblem, failureText } from '@/messages';
import { CaptureError } from '@/session/devices';
import type { Preferences } from '@/session/preferences';
import { Microphone } from './microphone';
import { Recognition } from './recognition';

export type DictationPhase =
  | 'idle'
  /** The browser asks for the microphone. */
  | 'opening'
  | 'listening'
  /** The last words are being recognised. */
  | 'finishing';

export interface Dictation {
  readonly phase: Ref<DictationPhase>;
  /** How loud, 0 to 1. */
  readonly level: Ref<number>;
  readonly seconds: Ref<number>;
  readonly maxSeconds: Ref<number>;
  /** Some of what stands in the input was spoken. */
  readonly spoken: Ref<boolean>;
  start(): Promise<void>;
  stop(): void;
  /** What was there before comes back. */
  cancel(): void;
}

interface Surroundings {
  readonly server: string;
  readonly token: () => string | Promise<string>;
  readonly preferences: Preferences;
  readonly draft: Ref<string>;
  /** Where in the draft the cursor is. */
  readonly cursor: () => number;
  readonly maxCharacters: number;
  /** A sentence for the person, with what to do next. */
  readonly tell: (title: string) => void;
  /** The text is in the input. */
  readonly done: (cursor: number) => void;
}

export function useDictation({ server, token, preferences, draft, cursor, maxCharacters, tell, done }: Surroundings): Dictation {
  const phase = ref<DictationPhase>('idle');
  const level = ref(0);
  const seconds = ref(0);
  const maxSeconds = ref(60);
  const spoken = ref(false);
  let said = '';
  let head = '';
  let tail = '';
  let microphone: Microphone | null = null;
  let recognition: Recognition | null = null;
  let ticking: ReturnType<typeof setInterval> | undefined;
  /** A later start makes what is still on its way of an earlier one void. */
  let round = 0;

  // What was sent or wiped out is no longer spoken.
  watch(draft, (text) => {
    if (phase.value === 'idle' && text === '') spoken.value = false;
  });

  function show(text: string): void {
    said = text;
    draft.value = head + text.slice(0, Math.max(0, maxCharacters - head.length - tail.length)) + tail;
  }

  function release(): void {
    microphone?.close();
    microphone = null;
    level.value = 0;
    clearInterval(ticking);
  }

  function end(): void {
    round += 1;
    release();
    recognition?.cancel();
    recognition = null;
    phase.value = 'idle';
  }

  function settle(text: string): void {
    show(text);
    end();
    if (text !== '') spoken.value = true;
    done(head.length + text.length);
  }

  function stop(): void {
    if (phase.value === 'opening') {
      cancel();
    } else if (phase.value === 'listening') {
      phase.value = 'finishing';
      release();
      recognition?.stop();
    }
  }

  function cancel(): void {
    if (phase.value === 'idle') return;
    show('');
    end();
    done(head.length);
  }

  async function start(): Promise<void> {
    if (phase.value !== 'idle') return;
    const mine = (round += 1);
    const at = cursor();
    head = draft.value.slice(0, at);
    tail = draft.value.slice(at);
    phase.value = 'opening';
    seconds.value = 0;
    try {
      const opened = await Microphone.open(server, preferences, {
        sound: (samples, loud) => {
          level.value = loud;
          recognition?.sound(samples);
        },
        lost: () => {
          tell(dictationProblem('capture_ended'));
          stop();
        },
      });
      if (mine !== round) {
        opened.close();
        return;
      }
      microphone = opened;
    } catch (error) {
      if (mine !== round) return;
      end();
      tell(dictationProblem(error instanceof CaptureError ? error.problem : 'unsupported'));
      return;
    }
    said = '';
    phase.value = 'listening';
    const began = Date.now();
    ticking = setInterval(() => {
      seconds.value = Math.floor((Date.now() - began) / 1000);
    }, 500);
    recognition = new Recognition(server, token, {
      ready: (longest) => {
        maxSeconds.value = longest;
      },
      guess: ({ stable, rest }) => {
        show(stable + rest);
      },
      done: ({ text, complete, cutOff }) => {
        settle(text);
        if (text === '') tell('没有听清，请靠近麦克风再说一次，或直接打字。');
        else if (!complete) tell('最后一句没有听清，请核对后补充。');
        else if (cutOff) tell(`每次最多说 ${maxSeconds.value} 秒，请核对已识别的内容；如需继续，请再次点击【语音】。`);
      },
      failed: (error) => {
        // What was understood stays in the input.
        const kept = said;
        settle(kept);
        tell(kept === '' ? failureText(error) : `${failureText(error)}已识别的文字已保留在输入框中。`);
      },
    });
  }

  onScopeDispose(end);

  return { phase, level, seconds, maxSeconds, spoken, start, stop, cancel };
}
