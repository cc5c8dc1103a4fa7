import type { DeviceProblem } from '@/protocol/messages';
import type { DeviceKind } from './devices';
import type { Quality } from './quality';
import type { RecoveryState } from './recovery';
import type { RemoteTrack } from './subscriber';

/** The media of one interaction as the interface shows it. */
export interface MediaState {
  readonly publish: RecoveryState;
  readonly subscribe: RecoveryState;
  readonly remote: readonly RemoteTrack[];
  /** Cameras (`person:camera`) whose picture has stood still for a while. */
  readonly frozen: ReadonlySet<string>;
  /** One's own screen and camera, for the preview. */
  readonly screen: MediaStream | null;
  readonly camera: MediaStream | null;
  readonly hasMicrophone: boolean;
  readonly microphoneMuted: boolean;
  readonly cameraOff: boolean;
  /** The browser's question (permission, picker) is open, or a device is starting. */
  readonly capturingDevices: boolean;
  readonly capturingScreen: boolean;
  readonly deviceProblems: Partial<Record<DeviceKind, DeviceProblem>>;
  readonly audioBlocked: boolean;
  readonly quality: Quality | null;
}

export const INITIAL_MEDIA_STATE: MediaState = {
  publish: 'off',
  subscribe: 'off',
  remote: [],
  frozen: new Set(),
  screen: null,
  camera: null,
  hasMicrophone: false,
  microphoneMuted: false,
  cameraOff: false,
  capturingDevices: false,
  capturingScreen: false,
  deviceProblems: {},
  audioBlocked: false,
  quality: null,
};
