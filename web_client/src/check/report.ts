/** What a check found, in words: for each part whether it is well, and what to do next when it is not. Pure. */
import type { DeviceProblem } from '@/protocol/messages';
import type { NetworkFailure, NetworkPhase } from '@/session/check_client';
import type { NetworkFigures, Path } from '@/session/check_figures';

export type Verdict = 'waiting' | 'running' | 'good' | 'fair' | 'bad';

export interface Finding {
  readonly verdict: Verdict;
  readonly title: string;
  /** What to do next; empty when all is well. */
  readonly advice: string;
}

export type Heard = 'unasked' | 'heard' | 'unheard' | 'unplayable';

export interface Facts {
  readonly started: boolean;
  readonly capturing: boolean;
  readonly hasMicrophone: boolean;
  readonly hasCamera: boolean;
  readonly microphoneProblem: DeviceProblem | null;
  readonly cameraProblem: DeviceProblem | null;
  /** The loudest there was, 0 to 1. */
  readonly loudest: number;
  readonly listening: boolean;
  /** The browser could measure how loud it is. */
  readonly measured: boolean;
  readonly heard: Heard;
  readonly soundBack: boolean;
  readonly pictureBack: boolean;
  readonly network: NetworkPhase;
  readonly failure: NetworkFailure | null;
  readonly sentence: string;
  readonly figures: NetworkFigures | null;
}

const finding = (verdict: Verdict, title: string, advice = ''): Finding => ({ verdict, title, advice });

/** A voice at arm's length is well above it, a quiet room below. */
export const AUDIBLE = 0.3;

const MICROPHONE: Readonly<Record<DeviceProblem, Finding>> = {
  permission_denied: finding('bad', '浏览器未允许使用麦克风', '请点击地址栏左侧的图标，将麦克风设为“允许”，然后重新检测。'),
  picker_cancelled: finding('bad', '尚未选择麦克风', '请重新检测，并在浏览器询问时选择“允许”。'),
  device_missing: finding('bad', '未检测到麦克风', '请接入麦克风或耳机后重新检测；没有麦克风时，仍可听到对方并用文字沟通。'),
  device_busy: finding('bad', '麦克风被其他程序占用', '请关闭正在使用麦克风的程序（如会议软件）后重新检测。'),
  capture_ended: finding('bad', '麦克风已断开', '请重新接好麦克风后重新检测。'),
  unsupported: finding('bad', '当前浏览器不支持使用麦克风', '请使用新版 Chrome、Edge、Firefox 或 Safari，并通过 https 地址访问。'),
};

const CAMERA: Readonly<Record<DeviceProblem, Finding>> = {
  permission_denied: finding('bad', '浏览器未允许使用摄像头', '请点击地址栏左侧的图标，将摄像头设为“允许”，然后重新检测；也可以只用语音。'),
  picker_cancelled: finding('bad', '尚未选择摄像头', '请重新检测，并在浏览器询问时选择“允许”。'),
  device_missing: finding('fair', '未检测到摄像头', '没有摄像头时，仍可用语音沟通；如需视频，请接入摄像头后重新检测。'),
  device_busy: finding('bad', '摄像头被其他程序占用', '请关闭正在使用摄像头的程序（如会议软件）后重新检测；也可以只用语音。'),
  capture_ended: finding('bad', '摄像头已断开', '请重新接好摄像头后重新检测。'),
  unsupported: finding('bad', '当前浏览器不支持使用摄像头', '请使用新版 Chrome、Edge、Firefox 或 Safari，并通过 https 地址访问。'),
};

const NOT_YET = finding('waiting', '尚未检测');

export function microphoneFinding(facts: Facts): Finding {
  if (!facts.started) return NOT_YET;
  if (facts.capturing) return finding('running', '正在打开麦克风，请在浏览器询问时选择“允许”');
  if (facts.microphoneProblem !== null) return MICROPHONE[facts.microphoneProblem];
  if (facts.loudest >= AUDIBLE) return finding('good', '麦克风正常');
  if (facts.listening) return finding('running', '请对着麦克风说几句话');
  if (!facts.measured) return finding('fair', '浏览器无法测量麦克风音量', '通常是没有可用的播放设备。请接入耳机或音箱后重新检测；通话时对方仍可能听到您的声音。');
  return finding('fair', '没有听到声音', '请检查麦克风是否静音、音量是否过低，或在下方换一个麦克风，再说几句话。');
}

export function speakerFinding({ started, heard }: Facts): Finding {
  if (heard === 'heard') return finding('good', '扬声器正常');
  if (heard === 'unplayable') return finding('bad', '没有可用的播放设备', '请接入耳机或音箱，在系统中选为播放设备，然后刷新页面重新检测。');
  if (heard === 'unheard') return finding('bad', '听不到测试音', '请调高音量，检查耳机或音箱是否接好、是否选为系统的播放设备，再播放一次。');
  return started ? finding('waiting', '请播放测试音，确认能否听到') : NOT_YET;
}

export function cameraFinding(facts: Facts): Finding {
  if (!facts.started) return NOT_YET;
  if (facts.capturing) return finding('running', '正在打开摄像头，请在浏览器询问时选择“允许”');
  if (facts.cameraProblem !== null) return CAMERA[facts.cameraProblem];
  return facts.hasCamera ? finding('good', '摄像头正常') : NOT_YET;
}

// The network

/** bit/s. The small picture of a call and its sound; a clear picture; sound alone. */
const CLEAR = 1_000_000;
const SMALL = 350_000;
const SOUND = 80_000;

const FAILURES: Readonly<Record<NetworkFailure, Finding>> = {
  offline: finding('bad', '无法连接互动服务', '请检查网络是否断开，稍后重新检测；如仍不行，请更换网络（例如改用手机热点）。'),
  no_path: finding('bad', '音视频数据无法通过当前网络', '防火墙可能拦截了音视频数据。请更换网络（例如改用手机热点），或请网络管理员放行本站的音视频端口；在此之前可用文字互动。'),
  refused: finding('bad', '暂时无法检测网络', '请稍后重新检测。'),
  broken: finding('bad', '网络检测中断', '网络可能不稳定，请重新检测；如多次中断，请更换网络。'),
};

export function networkFinding({ network, failure, sentence, figures }: Facts): Finding {
  if (network === 'waiting') return NOT_YET;
  if (network === 'connecting') return finding('running', '正在建立音视频连接…');
  if (network === 'measuring') return finding('running', '正在测量网络质量，约需 10 秒…');
  if (figures === null) {
    const known = FAILURES[failure ?? 'broken'];
    return failure === 'refused' && sentence !== '' ? finding('bad', known.title, sentence) : known;
  }
  return ofFigures(figures);
}

function ofFigures({ path, rttMs, lossUp, lossDown, up, down }: NetworkFigures): Finding {
  const least = Math.min(up, down);
  const loss = Math.max(lossUp, lossDown);
  const rtt = rttMs ?? 0;
  if (least < SOUND) return finding('bad', '网速过慢，通话可能断续', '请关闭下载或其他占用网络的程序，或更换网络后重新检测；在此之前建议使用文字互动。');
  // What the test itself lost or delayed on a line that it filled says nothing of a call, which sends less.
  if (least < SMALL) return finding('fair', '网速较慢，建议只用语音', '通话时请关闭摄像头；如需视频，请更换网络后重新检测。');
  if (loss >= 0.2 || rtt >= 1_000) return finding('bad', '网络很不稳定，通话可能断续', '请靠近无线路由器、改用网线或更换网络后重新检测；在此之前建议使用文字互动。');
  if (loss >= 0.05 || rtt >= 400) return finding('fair', '网络不够稳定，画面和声音可能有延迟或停顿', '请靠近无线路由器或改用网线；必要时通话中关闭摄像头。');
  if (least < CLEAR) return finding('fair', '可以视频通话，画面清晰度会自动降低', '如需更清晰的画面，请关闭其他占用网络的程序或更换网络。');
  if (path.protocol === 'tcp') return finding('good', '网络正常，可以视频通话', '当前网络限制了 UDP，已自动改走 TCP；如通话中画面停顿，请网络管理员放行 UDP。');
  return finding('good', '网络正常，可以视频通话');
}

export const pathWords = ({ protocol, relayed }: Path): string => `${relayed ? '经中继转发' : '直接连接'}（${protocol.toUpperCase()}）`;

export function rateWords(bitsPerSecond: number, atLeast: boolean): string {
  const words = bitsPerSecond >= 1_000_000 ? `${(bitsPerSecond / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bitsPerSecond / 1_000)} kbit/s`;
  return atLeast ? `${words} 以上` : `约 ${words}`;
}

export const lossWords = (share: number): string => `${(share * 100).toFixed(1)}%`;
export const rttWords = (milliseconds: number | null): string => (milliseconds === null ? '未测得' : `${Math.max(1, Math.round(milliseconds))} 毫秒`);

export interface FigureLine {
  readonly name: string;
  readonly value: string;
}

export function figureLines(figures: NetworkFigures): FigureLine[] {
  return [
    { name: '连接方式', value: pathWords(figures.path) },
    { name: '往返时延', value: rttWords(figures.rttMs) },
    { name: '上行网速', value: rateWords(figures.up, figures.upAtLeast) },
    { name: '下行网速', value: rateWords(figures.down, figures.downAtLeast) },
    { name: '上行丢包', value: lossWords(figures.lossUp) },
    { name: '下行丢包', value: lossWords(figures.lossDown) },
  ];
}

// Altogether

export interface Findings {
  readonly microphone: Finding;
  readonly speaker: Finding;
  readonly camera: Finding;
  readonly network: Finding;
}

export const findingsOf = (facts: Facts): Findings => ({
  microphone: microphoneFinding(facts),
  speaker: speakerFinding(facts),
  camera: cameraFinding(facts),
  network: networkFinding(facts),
});

export const PARTS: readonly (readonly [part: keyof Findings, label: string])[] = [
  ['microphone', '麦克风'],
  ['speaker', '扬声器'],
  ['camera', '摄像头'],
  ['network', '网络'],
];

/** One sentence over all: the worst decides. */
export function conclusion(facts: Facts, findings: Findings): Finding {
  const { microphone, speaker, camera, network } = findings;
  const all = [microphone, speaker, camera, network];
  if (!facts.started) return finding('waiting', '检测麦克风、扬声器、摄像头和网络，约需半分钟。');
  if (all.some(({ verdict }) => verdict === 'running')) return finding('running', '正在检测，请稍候…');
  if (network.verdict === 'bad') return finding('bad', '当前网络不适合音视频通话', network.advice);
  if (speaker.verdict === 'waiting') return finding('running', '请播放测试音，并选择能否听到。');
  if (microphone.verdict === 'bad' && camera.verdict !== 'good') return finding('bad', '麦克风和摄像头都不能使用', microphone.advice);
  if (microphone.verdict === 'bad') return finding('bad', '对方将听不到您的声音', microphone.advice);
  if (speaker.verdict === 'bad') return finding('bad', '您将听不到对方的声音', speaker.advice);
  const noticed = all.find(({ verdict }) => verdict !== 'good');
  if (noticed !== undefined) return finding('fair', `可以通话，请留意：${noticed.title}`, noticed.advice);
  return finding('good', '检测通过，可以进行音视频通话');
}

const MARKS: Readonly<Record<Verdict, string>> = { waiting: '未检测', running: '检测中', good: '正常', fair: '注意', bad: '异常' };
export const markOf = (verdict: Verdict): string => MARKS[verdict];

/** What one sends the help desk: nothing in it says who one is. */
export function summary(facts: Facts, findings: Findings, browser: string, at: Date): string {
  const lines = ['设备与网络检测结果', `时间：${at.toLocaleString('zh-CN', { hour12: false })}`, `浏览器：${browser}`];
  for (const [part, label] of PARTS) lines.push(`${label}：${findings[part].verdict === 'good' ? findings[part].title : `${markOf(findings[part].verdict)}，${findings[part].title}`}`);
  if (facts.hasMicrophone) lines.push(`声音经服务器返回：${facts.soundBack ? '是' : '否'}`);
  if (facts.hasCamera) lines.push(`画面经服务器返回：${facts.pictureBack ? '是' : '否'}`);
  if (facts.figures !== null) for (const { name, value } of figureLines(facts.figures)) lines.push(`${name}：${value}`);
  return lines.join('\n');
}
