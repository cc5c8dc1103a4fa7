/** What media a member of a meeting needs now, from the view alone. Pure. */
import type { MeetingView, Source } from '@/protocol/messages';
import { NO_MEDIA, type MediaPlan } from './media_plan';

export function planMeeting(view: MeetingView | null, myId: string): MediaPlan {
  const own = view?.members.find((member) => member.person_id === myId);
  if (view?.place !== 'room' || view.phase !== 'running' || own === undefined) return NO_MEDIA;
  if (own.meeting_role === 'observer') return { subscribe: true, publish: false, sources: new Set() };
  const sources = new Set<Source>(['microphone', 'camera']);
  if (view.sharer_id === myId) sources.add('screen').add('screen_audio');
  return { subscribe: true, publish: true, sources };
}
