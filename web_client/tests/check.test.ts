import { afterEach, describe, expect, it, vi } from 'vitest';
import { conclusion, findingsOf, microphoneFinding, networkFinding, rateWords, summary, type Facts } from '@/check/report';
import { bytesReceived, figuresOf, pathOf, settled, sustained, TARGET, type Measured, type NetworkFigures } from '@/session/check_figures';
import { levelOf, playTone, PlaybackError } from '@/session/sound_meter';
import { fillWithNoise } from '@/session/test_picture';

const stats = (type: string, id: string, more: Record<string, unknown> = {}): Record<string, unknown> & { type: string; id: string } => ({ type, id, ...more });

describe('the path in use', () => {
  const candidates = [
    stats('local-candidate', 'L1', { candidateType: 'host', protocol: 'udp' }),
    stats('local-candidate', 'L2', { candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' }),
    stats('candidate-pair', 'P1', { localCandidateId: 'L1', state: 'succeeded', nominated: false }),
    stats('candidate-pair', 'P2', { localCandidateId: 'L2', state: 'succeeded', nominated: true }),
  ];

  it('is the pair the transport names', () => {
    expect(pathOf([...candidates, stats('transport', 'T', { selectedCandidatePairId: 'P1' })])).toEqual({ protocol: 'udp', relayed: false });
  });

  it('is the nominated one where a browser has no transport, and goes to the relay as it goes', () => {
    expect(pathOf(candidates)).toEqual({ protocol: 'tcp', relayed: true });
  });

  it('is unknown before there is one', () => {
    expect(pathOf([])).toBeNull();
  });
});

describe('the measurement', () => {
  const measured: Measured = { path: { protocol: 'udp', relayed: false }, rtts: [30, 20, 900], lossesUp: [0, 0.02], lossesDown: [], ups: [], downs: [], estimate: null };

  it('is over when three samples agree', () => {
    expect(settled([1, 2_000, 2_100])).toBe(false);
    expect(settled([1, 2_000, 2_100, 2_050])).toBe(true);
    expect(settled([0, 0, 0])).toBe(false);
  });

  it('takes the middle of what was carried last', () => {
    expect(sustained([9_999, 300, 500, 400])).toBe(400);
    expect(sustained([])).toBe(0);
  });

  it('says that a line may carry more than was sent', () => {
    const wide = figuresOf({ ...measured, ups: [TARGET], downs: [TARGET] });
    expect(wide).toMatchObject({ upAtLeast: true, downAtLeast: true, rttMs: 30, lossUp: 0.01, lossDown: 0 });
  });

  it('does not blame the way down for a narrow way up', () => {
    const narrow = figuresOf({ ...measured, ups: [300_000], downs: [295_000], estimate: 9_000_000 });
    expect(narrow).toMatchObject({ up: 300_000, upAtLeast: false, down: TARGET, downAtLeast: true });
    const below = figuresOf({ ...measured, ups: [TARGET], downs: [400_000], estimate: 450_000 });
    expect(below).toMatchObject({ down: 400_000, downAtLeast: false });
  });

  it('counts what was received', () => {
    expect(bytesReceived([stats('inbound-rtp', 'a', { bytesReceived: 5 }), stats('inbound-rtp', 'b', { bytesReceived: 7 }), stats('outbound-rtp', 'c', { bytesReceived: 9 })])).toBe(12);
  });
});

describe('the level of a microphone', () => {
  it('is nothing in silence, all at full scale, and in between on a scale of decibels', () => {
    expect(levelOf(new Float32Array(8))).toBe(0);
    expect(levelOf(new Float32Array(8).fill(1))).toBe(1);
    expect(levelOf(new Float32Array(8).fill(0.001))).toBeCloseTo(0);
    expect(levelOf(new Float32Array(8).fill(0.0316))).toBeCloseTo(0.5, 2);
  });
});

describe('the tone', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('gives up where the browser has nothing to play on and never starts', async () => {
    vi.useFakeTimers();
    const close = vi.fn(() => Promise.resolve());
    class Suspended {
      readonly state = 'suspended';
      readonly close = close;
      resume(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    vi.stubGlobal('AudioContext', Suspended);
    const played = expect(playTone()).rejects.toBeInstanceOf(PlaybackError);
    await vi.advanceTimersByTimeAsync(3_000);
    await played;
    expect(close).toHaveBeenCalledOnce();
  });
});

it('the test picture is opaque noise', () => {
  const pixels = new Uint32Array(4096);
  fillWithNoise(pixels, 7);
  expect(new Set(pixels).size).toBeGreaterThan(4_000);
  expect([...pixels].every((pixel) => pixel >>> 24 === 0xff)).toBe(true);
});

const FIGURES: NetworkFigures = { path: { protocol: 'udp', relayed: false }, rttMs: 20, lossUp: 0, lossDown: 0, up: TARGET, down: TARGET, upAtLeast: true, downAtLeast: true };
const WELL: Facts = {
  started: true,
  capturing: false,
  hasMicrophone: true,
  hasCamera: true,
  microphoneProblem: null,
  cameraProblem: null,
  loudest: 0.8,
  listening: false,
  measured: true,
  heard: 'heard',
  soundBack: true,
  pictureBack: true,
  network: 'done',
  failure: null,
  sentence: '',
  figures: FIGURES,
};
const concluded = (facts: Facts): { verdict: string; title: string; advice: string } => conclusion(facts, findingsOf(facts));

describe('what is said', () => {
  it('is that all is well when all is', () => {
    expect(concluded(WELL)).toMatchObject({ verdict: 'good', advice: '' });
  });

  it.each([
    [{ figures: { ...FIGURES, up: 50_000 } }, 'bad', '文字'],
    [{ figures: { ...FIGURES, down: 200_000 } }, 'fair', '关闭摄像头'],
    [{ figures: { ...FIGURES, up: 200_000, lossUp: 0.25 } }, 'fair', '关闭摄像头'],
    [{ figures: { ...FIGURES, up: 600_000 } }, 'fair', '清晰'],
    [{ figures: { ...FIGURES, lossDown: 0.1 } }, 'fair', '网线'],
    [{ figures: { ...FIGURES, rttMs: 1_500 } }, 'bad', '更换网络'],
    [{ figures: { ...FIGURES, path: { protocol: 'tcp', relayed: true } } }, 'good', 'UDP'],
    [{ network: 'failed', figures: null, failure: 'no_path' }, 'bad', '更换网络'],
    [{ network: 'failed', figures: null, failure: 'refused', sentence: '操作过于频繁，请稍后再试。' }, 'bad', '稍后'],
  ] as [Partial<Facts>, string, string][])('of a network %j is %s, with what to do', (part, verdict, advice) => {
    const found = networkFinding({ ...WELL, ...part });
    expect(found.verdict).toBe(verdict);
    expect(found.advice).toContain(advice);
  });

  it('has something to do next for every trouble of a device', () => {
    for (const problem of ['permission_denied', 'device_missing', 'device_busy', 'capture_ended', 'unsupported'] as const) {
      const { microphone, camera } = findingsOf({ ...WELL, microphoneProblem: problem, cameraProblem: problem });
      for (const found of [microphone, camera]) {
        expect(['fair', 'bad']).toContain(found.verdict);
        expect(found.advice).not.toBe('');
      }
    }
  });

  it('waits for a voice before it says that there was none', () => {
    expect(microphoneFinding({ ...WELL, loudest: 0.1, listening: true }).verdict).toBe('running');
    expect(microphoneFinding({ ...WELL, loudest: 0.1 }).verdict).toBe('fair');
  });

  it('does not blame a microphone that could not be measured', () => {
    const unmeasured = microphoneFinding({ ...WELL, loudest: 0, measured: false });
    expect(unmeasured).toMatchObject({ verdict: 'fair', title: '浏览器无法测量麦克风音量' });
    expect(unmeasured.advice).not.toContain('换一个麦克风');
  });

  it('says what is missing where nothing can be played', () => {
    expect(findingsOf({ ...WELL, heard: 'unplayable' }).speaker).toMatchObject({ verdict: 'bad', title: '没有可用的播放设备' });
  });

  it('waits for an answer about the loudspeaker', () => {
    expect(concluded({ ...WELL, heard: 'unasked' }).title).toContain('测试音');
  });

  it('is the worst first', () => {
    expect(concluded({ ...WELL, microphoneProblem: 'device_busy', heard: 'unheard' }).title).toContain('听不到您的声音');
    expect(concluded({ ...WELL, cameraProblem: 'device_missing' }).verdict).toBe('fair');
    expect(concluded({ ...WELL, microphoneProblem: 'device_busy', network: 'failed', figures: null, failure: 'offline' }).title).toContain('网络');
  });
});

it('rates are told as people know them', () => {
  expect(rateWords(2_460_000, true)).toBe('2.5 Mbit/s 以上');
  expect(rateWords(412_300, false)).toBe('约 412 kbit/s');
});

it('the summary has the results and nothing of the person', () => {
  const text = summary(WELL, findingsOf(WELL), 'Firefox', new Date(0));
  for (const words of ['网络正常', '连接方式：直接连接（UDP）', '声音经服务器返回：是', 'Firefox']) expect(text).toContain(words);
});
