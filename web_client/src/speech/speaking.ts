/** Reading aloud: by a Chinese voice of the browser, sentence by sentence, or by sound the server makes. No framework. */

export interface Speaking {
  pause(): void;
  resume(): void;
  stop(): void;
  /** How far open the mouth is, 0 to 1, now. */
  mouth(): number;
}

export interface SpeakingEvents {
  readonly ended: () => void;
  readonly failed: () => void;
}

const SENTENCE = /[^。！？；\n]+[。！？；\n]*/g;
/** Chromium ends an utterance after some fifteen seconds: what is longer than this is cut at a comma. */
const MAX_SENTENCE = 90;

export function sentencesOf(text: string): string[] {
  const sentences = (text.match(SENTENCE) ?? []).map((one) => one.trim()).filter((one) => one !== '');
  return sentences.flatMap((one) => {
    const parts: string[] = [];
    let rest = one;
    while (rest.length > MAX_SENTENCE) {
      const at = Math.max(rest.lastIndexOf('，', MAX_SENTENCE), rest.lastIndexOf('、', MAX_SENTENCE));
      const cut = at > 0 ? at + 1 : MAX_SENTENCE;
      parts.push(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
    return [...parts, rest];
  });
}

/** What of an answer is read: its words as they stand on the page, a stop after each paragraph and point, no addresses. */
export function wordsOf(content: Node): string {
  const words: string[] = [];
  const collect = (node: Node): void => {
    if (node.nodeType === Node.TEXT_NODE) words.push((node.textContent ?? '').replace(/(https?:\/\/|www\.)\S+/gi, ''));
    node.childNodes.forEach(collect);
    if (/^(P|LI|H[1-6]|TR|BLOCKQUOTE|PRE)$/.test(node.nodeName)) words.push('\n');
  };
  collect(content);
  return words
    .join('')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (/[，。！？；：、.!?;:]$/.test(line) ? line : `${line}。`))
    .join('');
}

/** A Mandarin voice on this machine; one that sends the words elsewhere is not taken. */
export function chineseVoice(): SpeechSynthesisVoice | null {
  if (typeof speechSynthesis === 'undefined') return null;
  const voices = speechSynthesis.getVoices().filter((voice) => voice.localService);
  const speaks = (pattern: RegExp) => voices.find((voice) => pattern.test(voice.lang));
  return speaks(/^(zh|cmn)[-_](Hans[-_])?CN/i) ?? speaks(/^(zh|cmn)$/i) ?? speaks(/^(zh|cmn)[-_](SG|Hans)/i) ?? null;
}

/** Some browsers tell their voices only after a while; where there are none this waits no longer than that. */
export async function awaitChineseVoice(waitMs = 400): Promise<SpeechSynthesisVoice | null> {
  if (typeof speechSynthesis === 'undefined') return null;
  if (speechSynthesis.getVoices().length === 0) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      speechSynthesis.addEventListener('voiceschanged', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
  return chineseVoice();
}

/** By the browser. A pause goes back to the beginning of its sentence: on phones the browser's own pause loses the rest. */
export function speakByBrowser(text: string, voice: SpeechSynthesisVoice, events: SpeakingEvents): Speaking {
  const sentences = sentencesOf(text);
  let place = 0;
  let current: SpeechSynthesisUtterance | null = null;
  /** Words begun, for voices that say so; for the others the mouth moves by the clock. */
  let wordAt = 0;

  function next(): void {
    const words = sentences[place];
    if (words === undefined) {
      current = null;
      events.ended();
      return;
    }
    const mine = new SpeechSynthesisUtterance(words);
    mine.voice = voice;
    mine.lang = voice.lang;
    mine.onboundary = () => {
      wordAt = performance.now();
    };
    mine.onend = () => {
      if (current !== mine) return;
      place += 1;
      next();
    };
    mine.onerror = () => {
      if (current !== mine) return;
      current = null;
      events.failed();
    };
    current = mine;
    speechSynthesis.speak(mine);
  }

  function halt(): void {
    current = null;
    speechSynthesis.cancel();
  }

  halt();
  next();
  return {
    pause: halt,
    resume: next,
    stop: halt,
    mouth() {
      if (current === null || !speechSynthesis.speaking) return 0;
      const now = performance.now();
      const sinceWord = now - wordAt;
      return sinceWord < 400 ? Math.max(0, Math.sin((Math.PI * sinceWord) / 260)) * 0.9 : 0.35 + 0.35 * Math.sin(now / 75) * Math.sin(now / 190);
    },
  };
}

/** By the server's sound: decoded here, so that no policy of a host page on media stands in the way. Rejects for broken sound. */
export async function speakSound(sound: ArrayBuffer, context: AudioContext, events: SpeakingEvents): Promise<Speaking> {
  const decoded = await context.decodeAudioData(sound);
  const source = context.createBufferSource();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.buffer = decoded;
  source.connect(analyser).connect(context.destination);
  const wave = new Float32Array(analyser.fftSize);
  let over = false;
  source.onended = () => {
    if (over) return;
    over = true;
    events.ended();
  };
  await context.resume();
  source.start();
  return {
    pause: () => void context.suspend(),
    resume: () => void context.resume(),
    stop() {
      over = true;
      source.stop();
      source.disconnect();
    },
    mouth() {
      if (over || context.state !== 'running') return 0;
      analyser.getFloatTimeDomainData(wave);
      let sum = 0;
      for (const sample of wave) sum += sample * sample;
      return Math.min(1, Math.sqrt(sum / wave.length) * 6);
    },
  };
}
