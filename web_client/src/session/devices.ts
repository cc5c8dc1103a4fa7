/** Capture: microphone, camera and screen, and why a browser would not give one. */
import type { DeviceProblem } from '@/protocol/messages';
import type { Preferences } from './preferences';

export type DeviceKind = 'microphone' | 'camera';

export class CaptureError extends Error {
  readonly problem: DeviceProblem;

  constructor(problem: DeviceProblem) {
    super(problem);
    this.name = 'CaptureError';
    this.problem = problem;
  }
}

/** The DOMException names of Media Capture and Streams §10.2 and Screen Capture §5.1 in the words of the wire. */
export function problemOf(error: unknown, asked: 'device' | 'screen'): DeviceProblem {
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      // Both "the picker was closed" and "the system forbids it" are NotAllowedError; only the text tells them apart.
      if (asked === 'screen' && !/by system|policy/i.test(message)) return 'picker_cancelled';
      return 'permission_denied';
    case 'AbortError':
      return asked === 'screen' ? 'picker_cancelled' : 'device_busy';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'device_missing';
    case 'NotReadableError':
    case 'TrackStartError':
      return 'device_busy';
    default:
      return 'unsupported';
  }
}

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

export function canUseDevices(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === 'function';
}

export interface CapturedDevices {
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  /** Why a device is not there; empty when both are. */
  problems: Partial<Record<DeviceKind, DeviceProblem>>;
}

function constraints(kind: DeviceKind, deviceId: string | null): MediaTrackConstraints {
  // `ideal`, not `exact`: a remembered device that is gone must not fail the call.
  const chosen: MediaTrackConstraints = deviceId === null ? {} : { deviceId: { ideal: deviceId } };
  if (kind === 'microphone') {
    return { ...chosen, echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
  }
  return {
    ...chosen,
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 24, max: 30 },
    ...(deviceId === null ? { facingMode: 'user' } : {}),
  };
}

async function open(kind: DeviceKind, preferences: Preferences): Promise<MediaStreamTrack> {
  const wanted = constraints(kind, preferences.device(kind));
  const stream = await navigator.mediaDevices.getUserMedia(kind === 'microphone' ? { audio: wanted } : { video: wanted });
  const track = stream.getTracks()[0];
  if (track === undefined) throw new CaptureError('device_missing');
  return track;
}

function describe(track: MediaStreamTrack, kind: DeviceKind): MediaStreamTrack {
  track.contentHint = kind === 'microphone' ? 'speech' : 'motion';
  return track;
}

/** The microphone alone, for who only speaks. Never rejects. */
export async function captureMicrophone(preferences: Preferences): Promise<CapturedDevices> {
  try {
    return { microphone: await captureDevice('microphone', preferences), camera: null, problems: {} };
  } catch (error) {
    return { microphone: null, camera: null, problems: { microphone: error instanceof CaptureError ? error.problem : 'unsupported' } };
  }
}

/** Allowed already (W3C Permissions §6.2); false where a browser does not tell. */
async function isGranted(kind: DeviceKind): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: kind })).state === 'granted';
  } catch {
    return false;
  }
}

/**
 * Microphone and camera in one question to the person where both exist. When that fails, each by itself: a call goes
 * on with what there is. Never rejects.
 */
export async function captureDevices(preferences: Preferences): Promise<CapturedDevices> {
  if (!canUseDevices()) {
    return { microphone: null, camera: null, problems: { microphone: 'unsupported', camera: 'unsupported' } };
  }
  let denied = false;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: constraints('microphone', preferences.device('microphone')),
      video: constraints('camera', preferences.device('camera')),
    });
    const microphone = stream.getAudioTracks()[0] ?? null;
    const camera = stream.getVideoTracks()[0] ?? null;
    return {
      microphone: microphone && describe(microphone, 'microphone'),
      camera: camera && describe(camera, 'camera'),
      problems: {},
    };
  } catch (error) {
    const problem = problemOf(error, 'device');
    denied = problem === 'permission_denied';
  }
  const captured: CapturedDevices = { microphone: null, camera: null, problems: {} };
  for (const kind of ['microphone', 'camera'] as const) {
    // One of both may be blocked in the browser's settings and the other allowed; nobody is asked a second time.
    if (denied && !(await isGranted(kind))) {
      captured.problems[kind] = 'permission_denied';
      continue;
    }
    try {
      captured[kind] = describe(await open(kind, preferences), kind);
    } catch (error) {
      captured.problems[kind] = error instanceof CaptureError ? error.problem : problemOf(error, 'device');
    }
  }
  return captured;
}

/** One device, after the person chose another or turned it on later. Rejects with `CaptureError`. */
export async function captureDevice(kind: DeviceKind, preferences: Preferences): Promise<MediaStreamTrack> {
  if (!canUseDevices()) throw new CaptureError('unsupported');
  try {
    return describe(await open(kind, preferences), kind);
  } catch (error) {
    throw error instanceof CaptureError ? error : new CaptureError(problemOf(error, 'device'));
  }
}

export interface CapturedScreen {
  video: MediaStreamTrack;
  audio: MediaStreamTrack | null;
}

/** Opens the browser's picker; must be called from a click. Rejects with `CaptureError`. */
export async function captureScreen(): Promise<CapturedScreen> {
  if (!canShareScreen()) throw new CaptureError('unsupported');
  const options: DisplayMediaStreamOptions & Record<string, unknown> = {
    video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 15 } },
    audio: false,
    // Chromium: the taxpayer's own tab is what the agent should see most often, and switching tabs needs no new picker.
    selfBrowserSurface: 'include',
    surfaceSwitching: 'include',
    systemAudio: 'exclude',
  };
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia(options);
    const video = stream.getVideoTracks()[0];
    if (video === undefined) throw new CaptureError('device_missing');
    // Text first: blurred motion is better than blurred letters (W3C mst-content-hint §3.2).
    video.contentHint = 'detail';
    return { video, audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    throw error instanceof CaptureError ? error : new CaptureError(problemOf(error, 'screen'));
  }
}

export interface DeviceChoice {
  readonly id: string;
  readonly label: string;
}

/** What can be chosen; labels are empty before the person has granted anything. */
export async function listDevices(kind: DeviceKind): Promise<DeviceChoice[]> {
  if (typeof navigator.mediaDevices?.enumerateDevices !== 'function') return [];
  const wanted = kind === 'microphone' ? 'audioinput' : 'videoinput';
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === wanted && device.deviceId !== '')
    .map((device) => ({ id: device.deviceId, label: device.label }));
}
