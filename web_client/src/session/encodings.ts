/** How each source is encoded. */
import type { Source } from '@/protocol/messages';

export const SCREEN_MAX_WIDTH = 1920;
export const SCREEN_MAX_HEIGHT = 1080;
const SCREEN_MAX_BITRATE = 2_500_000;
const SCREEN_MAX_FRAME_RATE = 15;
const MICROPHONE_MAX_BITRATE = 40_000;
const SCREEN_AUDIO_MAX_BITRATE = 96_000;

/** Lowest first: Chromium allots bitrate in this order, so a poor line still carries the small picture. */
const CAMERA_LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 15 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: 24 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000, maxFramerate: 30 },
];

export function encodingsOf(source: Source): RTCRtpEncodingParameters[] {
  switch (source) {
    case 'camera':
      return CAMERA_LAYERS.map((layer) => ({ ...layer }));
    case 'screen':
      // One layer: half a screen's resolution is not readable, so there is nothing to fall back to but frame rate.
      return [{ maxBitrate: SCREEN_MAX_BITRATE, maxFramerate: SCREEN_MAX_FRAME_RATE, priority: 'high' }];
    case 'microphone':
      return [{ maxBitrate: MICROPHONE_MAX_BITRATE, priority: 'high', networkPriority: 'high' }];
    case 'screen_audio':
      return [{ maxBitrate: SCREEN_AUDIO_MAX_BITRATE }];
  }
}

/** A capture larger than 1080p (a browser that ignores the constraint) is scaled by the encoder, keeping its shape. */
export function screenScale(width: number | undefined, height: number | undefined): number {
  return Math.max(1, (width ?? 0) / SCREEN_MAX_WIDTH, (height ?? 0) / SCREEN_MAX_HEIGHT);
}

/**
 * Encodes these simulcast layers and pauses the others: nobody looks at them. A browser that cannot keeps sending all,
 * which costs it bandwidth and nothing else.
 */
export async function activateLayers(sender: RTCRtpSender, rids: readonly string[]): Promise<void> {
  const parameters = sender.getParameters();
  let changed = false;
  for (const encoding of parameters.encodings) {
    if (encoding.rid === undefined) continue;
    const active = rids.includes(encoding.rid);
    changed ||= active !== (encoding.active ?? true);
    encoding.active = active;
  }
  if (!changed) return;
  try {
    await sender.setParameters(parameters);
  } catch {
    // See above.
  }
}

/** Applied once the sender has its parameters; `degradationPreference` cannot be given to `addTransceiver`. */
export async function tuneSender(sender: RTCRtpSender, source: Source): Promise<void> {
  if (source !== 'screen' && source !== 'camera') return;
  const parameters: RTCRtpSendParameters & { degradationPreference?: string } = sender.getParameters();
  if (parameters.encodings.length === 0) return;
  parameters.degradationPreference = source === 'screen' ? 'maintain-resolution' : 'balanced';
  if (source === 'screen') {
    const settings = sender.track?.getSettings();
    for (const encoding of parameters.encodings) {
      encoding.scaleResolutionDownBy = screenScale(settings?.width, settings?.height);
    }
  }
  try {
    await sender.setParameters(parameters);
  } catch {
    // A browser that knows neither keeps its own choice; contentHint still tells it what the track shows.
  }
}
