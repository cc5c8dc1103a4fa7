/** Which voice is chosen, and what becomes of sentences, by a browser whose voices are made up; real voices sound elsewhere. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awaitChineseVoice, chineseVoice, sentencesOf, speakByBrowser } from '@/speech/speaking';

interface Utterance {
  text: string;
  voice: unknown;
  lang: string;
  onend: (() => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onboundary: (() => void) | null;
}

const voice = (lang: string, localService = true, name = lang): SpeechSynthesisVoice => ({ lang, localService, name, default: false, voiceURI: name });

class FakeSynthesis extends EventTarget {
  voices: SpeechSynthesisVoice[] = [];
  queue: Utterance[] = [];
  speaking = false;
  cancelled = 0;

  getVoices(): SpeechSynthesisVoice[] {
    return this.voices;
  }

  speak(utterance: Utterance): void {
    this.queue.push(utterance);
    this.speaking = true;
  }

  /** As Chromium does: what is cut off hears an error, later. */
  cancel(): void {
    this.cancelled += 1;
    const cut = this.queue.splice(0);
    this.speaking = false;
    queueMicrotask(() => cut.forEach((one) => one.onerror?.({ error: 'interrupted' })));
  }

  finish(): void {
    const done = this.queue.shift();
    this.speaking = this.queue.length > 0;
    done?.onend?.();
  }
}

let synthesis: FakeSynthesis;

beforeEach(() => {
  synthesis = new FakeSynthesis();
  vi.stubGlobal('speechSynthesis', synthesis);
  vi.stubGlobal(
    'SpeechSynthesisUtterance',
    class {
      voice: unknown = null;
      lang = '';
      onend = null;
      onerror = null;
      onboundary = null;
      constructor(readonly text: string) {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

describe('the voice that reads', () => {
  it('is a Mandarin one of this machine', () => {
    synthesis.voices = [voice('en-US'), voice('zh-HK'), voice('zh-TW'), voice('zh-CN', false, 'in the cloud'), voice('zh-CN', true, 'here')];
    expect(chineseVoice()?.name).toBe('here');
    synthesis.voices = [voice('zh_CN', true, 'Android')];
    expect(chineseVoice()?.name).toBe('Android');
    synthesis.voices = [voice('cmn-Hans-CN', true, 'cmn')];
    expect(chineseVoice()?.name).toBe('cmn');
  });

  it('is none where words would be sent elsewhere, or Cantonese would read them', () => {
    synthesis.voices = [voice('zh-CN', false), voice('zh-HK'), voice('yue-HK'), voice('en-US')];
    expect(chineseVoice()).toBeNull();
  });

  it('is waited for where voices come late, and no longer than that', async () => {
    const coming = awaitChineseVoice(1_000);
    synthesis.voices = [voice('zh-CN')];
    synthesis.dispatchEvent(new Event('voiceschanged'));
    expect((await coming)?.lang).toBe('zh-CN');
    synthesis.voices = [];
    expect(await awaitChineseVoice(5)).toBeNull();
  });
});

describe('reading by the browser', () => {
  const events = () => ({ ended: vi.fn(), failed: vi.fn() });

  it('speaks sentence by sentence and tells the end', () => {
    const heard = events();
    speakByBrowser('第一句。第二句？第三句', voice('zh-CN'), heard);
    const spoken: string[] = [];
    while (synthesis.queue.length > 0) {
      expect(synthesis.queue).toHaveLength(1);
      spoken.push(synthesis.queue[0]?.text ?? '');
      expect(synthesis.queue[0]?.lang).toBe('zh-CN');
      expect(heard.ended).not.toHaveBeenCalled();
      synthesis.finish();
    }
    expect(spoken).toEqual(['第一句。', '第二句？', '第三句']);
    expect(heard.ended).toHaveBeenCalledOnce();
    expect(heard.failed).not.toHaveBeenCalled();
  });

  it('pauses, and goes on with the sentence it was at', async () => {
    const heard = events();
    const speaking = speakByBrowser('第一句。第二句。', voice('zh-CN'), heard);
    synthesis.finish();
    speaking.pause();
    await Promise.resolve();
    expect(synthesis.queue).toHaveLength(0);
    expect(speaking.mouth()).toBe(0);
    speaking.resume();
    expect(synthesis.queue.map((one) => one.text)).toEqual(['第二句。']);
    synthesis.finish();
    expect(heard.ended).toHaveBeenCalledOnce();
    expect(heard.failed).not.toHaveBeenCalled();
  });

  it('is silent after a stop, whatever the browser still tells of it', async () => {
    const heard = events();
    const speaking = speakByBrowser('第一句。第二句。', voice('zh-CN'), heard);
    const cut = synthesis.queue[0];
    speaking.stop();
    await Promise.resolve();
    cut?.onend?.();
    expect(synthesis.queue).toHaveLength(0);
    expect(heard.ended).not.toHaveBeenCalled();
    expect(heard.failed).not.toHaveBeenCalled();
  });

  it('tells when the voice fails', () => {
    const heard = events();
    speakByBrowser('一句。', voice('zh-CN'), heard);
    synthesis.queue[0]?.onerror?.({ error: 'synthesis-failed' });
    expect(heard.failed).toHaveBeenCalledOnce();
    expect(heard.ended).not.toHaveBeenCalled();
  });

  it('moves the mouth while it speaks and with each word', () => {
    const speaking = speakByBrowser('一句话。', voice('zh-CN'), events());
    synthesis.queue[0]?.onboundary?.();
    expect(speaking.mouth()).toBeGreaterThanOrEqual(0);
    expect(speaking.mouth()).toBeLessThanOrEqual(1);
    synthesis.finish();
    expect(speaking.mouth()).toBe(0);
  });
});

describe('sentences', () => {
  it('are short enough for voices that stop by themselves, and lose nothing', () => {
    const long = `${'很长的一段话，'.repeat(40)}完。短句。`;
    const parts = sentencesOf(long);
    expect(parts.join('')).toBe(long);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(91);
  });

  it('of nothing are none: the end is told at once', () => {
    const ended = vi.fn();
    speakByBrowser('　\n', voice('zh-CN'), { ended, failed: vi.fn() });
    expect(ended).toHaveBeenCalledOnce();
  });
});
