/** What media a person needs now, from the views alone. Pure; `MediaRoom` carries it out. */
import type { AssistancePhase, CallPhase, InteractionView, Role, Source, SupervisionMode } from '@/protocol/messages';

export interface MediaPlan {
  /** The subscribe connection should be there (also warm, before there is anything to see). */
  readonly subscribe: boolean;
  /** The publish connection should be there. */
  readonly publish: boolean;
  /** What may be captured and sent now. */
  readonly sources: ReadonlySet<Source>;
}

const LIVE_ASSISTANCE: ReadonlySet<AssistancePhase> = new Set(['requested', 'accepted', 'sharing', 'paused']);
const LIVE_CALL: ReadonlySet<CallPhase> = new Set(['asked', 'ringing', 'connecting', 'active']);

export const isAssistanceLive = (phase: AssistancePhase): boolean => LIVE_ASSISTANCE.has(phase);
export const isCallLive = (phase: CallPhase): boolean => LIVE_CALL.has(phase);

export const NO_MEDIA: MediaPlan = { subscribe: false, publish: false, sources: new Set() };

/** A supervisor hears and sees what runs, and speaks where the mode allows; the server keeps to it (R18). */
function planSupervised(mode: SupervisionMode, running: boolean): MediaPlan {
  const speaks = running && mode !== 'listen';
  return { subscribe: running, publish: speaks, sources: new Set<Source>(speaks ? ['microphone'] : []) };
}

/** An invited agent sees a shared screen at once, and is in the call from their own yes on (R7). */
function planGuest(inCall: boolean, assisting: boolean): MediaPlan {
  return { subscribe: inCall || assisting, publish: inCall, sources: new Set<Source>(inCall ? ['microphone', 'camera'] : []) };
}

export interface Part {
  readonly supervision?: SupervisionMode | null;
  /** Of an invited agent: whether they are in the call. */
  readonly guest?: { readonly inCall: boolean } | null;
}

export function planMedia(role: Role, view: InteractionView, { supervision = null, guest = null }: Part = {}): MediaPlan {
  if (view.phase === 'closed') return NO_MEDIA;
  const assistance = view.assistance.phase;
  const call = view.call.phase;
  const assisting = isAssistanceLive(assistance);
  const calling = isCallLive(call);
  if (supervision !== null) return planSupervised(supervision, assisting || calling);
  if (guest !== null) return planGuest(guest.inCall && (call === 'connecting' || call === 'active'), assisting);
  const sources = new Set<Source>();
  if (role === 'taxpayer') {
    if (assisting && assistance !== 'requested') sources.add('screen').add('screen_audio');
    if (call === 'connecting' || call === 'active') sources.add('microphone').add('camera');
  } else if (calling && call !== 'asked') {
    // The agent's media is ready while the taxpayer's side rings; the server lets nobody see it before 【同意】.
    sources.add('microphone').add('camera');
  }
  return {
    subscribe: calling || (assisting && role !== 'taxpayer'),
    publish: calling || (assisting && role === 'taxpayer'),
    sources,
  };
}
