/** One interaction for components: both sides, its media, and what one can do in it. */
import { computed, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { assistanceEnded, callEnded, type Notice } from '@/messages';
import type { MemberView, SupervisionMode } from '@/protocol/messages';
import { isAssistanceLive, isCallLive } from '@/session/media_plan';
import type { MediaRoom } from '@/session/media_room';
import { INITIAL_MEDIA_STATE, type MediaState } from '@/session/media_state';
import { guestIn, type InteractionState } from '@/session/state';
import type { RemoteTrack } from '@/session/subscriber';
import type { SessionContext } from './use_session';

export interface Conversation {
  readonly id: ComputedRef<string | null>;
  readonly interaction: ComputedRef<InteractionState | null>;
  readonly open: ComputedRef<boolean>;
  readonly peer: ComputedRef<MemberView | null>;
  /** How one takes part in a conversation of others; null in one's own. */
  readonly supervision: ComputedRef<SupervisionMode | null>;
  /** Oneself as an invited agent; null in one's own conversation. */
  readonly guest: ComputedRef<MemberView | null>;
  /** The third of three who talk; of them `peer` is the second. */
  readonly third: ComputedRef<MemberView | null>;
  readonly room: ComputedRef<MediaRoom | null>;
  readonly media: ShallowRef<MediaState>;
  readonly assistanceLive: ComputedRef<boolean>;
  readonly callLive: ComputedRef<boolean>;
  readonly remoteScreen: ComputedRef<RemoteTrack | null>;
  readonly remoteCamera: ComputedRef<RemoteTrack | null>;
  readonly remoteMicrophone: ComputedRef<RemoteTrack | null>;
  /** How the last assistance or call of this page ended, until it is dismissed. */
  readonly ended: ShallowRef<Notice | null>;
  dismissEnded(): void;
}

const INFORM_MS = 10_000;

/** For the component that provides the session: what it provides it cannot inject itself. */
export function useConversation(session: SessionContext, id: Ref<string | null>): Conversation {
  const interaction = computed(() => (id.value === null ? null : (session.state.value.interactions.get(id.value) ?? null)));
  const room = computed(() =>
    interaction.value === null || interaction.value.view.phase === 'closed'
      ? null
      : session.client.room(interaction.value.view.interaction_id),
  );
  const media = shallowRef<MediaState>(INITIAL_MEDIA_STATE);
  watch(
    room,
    (next, _before, onCleanup) => {
      media.value = next?.state.get() ?? INITIAL_MEDIA_STATE;
      if (next === null) return;
      onCleanup(
        next.state.subscribe((state) => {
          media.value = state;
        }),
      );
    },
    { immediate: true, flush: 'sync' },
  );
  const ended = shallowRef<Notice | null>(null);
  // Only what ended before the person's eyes is told; what had ended before the page was opened is in the conversation.
  watch(
    () => interaction.value?.view,
    (view, before) => {
      if (view === undefined || before === undefined || view.interaction_id !== before.interaction_id) {
        ended.value = null;
        return;
      }
      // That all of it is over is said by the conversation itself.
      if (view.phase === 'closed') {
        ended.value = null;
      } else if (view.assistance.phase === 'ended' && isAssistanceLive(before.assistance.phase)) {
        ended.value = assistanceEnded(session.side.value, view.assistance, session.myId.value);
      } else if (view.call.phase === 'ended' && isCallLive(before.call.phase)) {
        ended.value = callEnded(session.side.value, view.call, session.myId.value);
      } else if (isAssistanceLive(view.assistance.phase) !== isAssistanceLive(before.assistance.phase) || isCallLive(view.call.phase) !== isCallLive(before.call.phase)) {
        ended.value = null;
      }
    },
    { flush: 'sync' },
  );
  // What only informs goes away by itself; it stands in the conversation too.
  watch(ended, (notice, _before, onCleanup) => {
    if (notice?.tone !== 'info' || notice.ways.some((way) => way !== 'dismiss')) return;
    const timer = setTimeout(() => {
      ended.value = null;
    }, INFORM_MS);
    onCleanup(() => {
      clearTimeout(timer);
    });
  });
  // The other of the two; a supervisor is a third, and sees the taxpayer.
  const peer = computed(() => {
    const view = interaction.value?.view;
    const others = view?.members.filter((member) => member.person_id !== session.myId.value) ?? [];
    const wanted = session.side.value === 'taxpayer' ? 'agent' : 'taxpayer';
    return (
      others.find((member) => member.role === wanted && (wanted === 'taxpayer' || member.person_id === view?.agent_id)) ??
      others.find((member) => member.role === wanted) ??
      others.find((member) => member.supervision === null) ??
      null
    );
  });
  const guest = computed(() => (interaction.value === null ? null : guestIn(interaction.value.view, session.myId.value)));
  const third = computed(
    () =>
      interaction.value?.view.members.find(
        (one) => one.person_id !== session.myId.value && one.person_id !== peer.value?.person_id && one.supervision === null && (one.guest_of === null || one.in_call),
      ) ?? null,
  );
  const remote = (source: RemoteTrack['source']): RemoteTrack | null => {
    const tracks = media.value.remote.filter((one) => one.source === source && one.publisherId !== session.myId.value);
    return tracks.find((one) => one.publisherId === peer.value?.person_id) ?? tracks[0] ?? null;
  };
  return {
    id: computed(() => id.value),
    interaction,
    open: computed(() => interaction.value?.view.phase === 'open'),
    peer,
    supervision: computed(() => interaction.value?.view.members.find((one) => one.person_id === session.myId.value)?.supervision ?? null),
    guest,
    third,
    room,
    media,
    assistanceLive: computed(() => {
      const view = interaction.value?.view;
      return view?.phase === 'open' && isAssistanceLive(view.assistance.phase);
    }),
    callLive: computed(() => {
      const view = interaction.value?.view;
      return view?.phase === 'open' && isCallLive(view.call.phase) && (guest.value === null || guest.value.in_call);
    }),
    remoteScreen: computed(() => remote('screen')),
    remoteCamera: computed(() => remote('camera')),
    remoteMicrophone: computed(() => remote('microphone')),
    ended,
    dismissEnded() {
      ended.value = null;
    },
  };
}
