/** The meeting of the page for components: what is known, and what one can do with its failures shown. */
import { computed, inject, onScopeDispose, provide, shallowRef, watch, type ComputedRef, type InjectionKey, type ShallowRef } from 'vue';
import { failureText } from '@/messages';
import type { MeetingMemberView } from '@/protocol/messages';
import type { StreamsApi } from '@/rest/streams';
import type { MediaState } from '@/session/media_state';
import type { MeetingClient } from '@/session/meeting_client';
import { isHost, ownMember, type MeetingState } from '@/session/meeting_state';

export interface MeetingContext {
  readonly client: MeetingClient;
  readonly streams: StreamsApi;
  readonly state: ShallowRef<MeetingState>;
  readonly media: ShallowRef<MediaState>;
  readonly myId: ComputedRef<string>;
  readonly own: ComputedRef<MeetingMemberView | null>;
  readonly hosts: ComputedRef<boolean>;
  /** What went wrong last, as a sentence; empty when it was seen. */
  readonly failure: ShallowRef<string>;
  readonly running: ShallowRef<ReadonlySet<string>>;
  /** Runs what a person asked for, once at a time under its name; a failure is shown, never thrown. True: it was done. */
  run(name: string, action: () => Promise<unknown>): Promise<boolean>;
}

/** Long enough to be read twice. */
const FAILURE_SHOWN_MS = 12_000;

const KEY: InjectionKey<MeetingContext> = Symbol('meeting');

export function provideMeeting(client: MeetingClient, streams: StreamsApi): MeetingContext {
  const state = shallowRef(client.state.get());
  const media = shallowRef(client.room.state.get());
  const failure = shallowRef('');
  const running = shallowRef<ReadonlySet<string>>(new Set());
  onScopeDispose(client.state.subscribe((next) => (state.value = next)));
  onScopeDispose(client.room.state.subscribe((next) => (media.value = next)));
  let fades: ReturnType<typeof setTimeout> | undefined;
  watch(failure, (sentence) => {
    clearTimeout(fades);
    if (sentence !== '') fades = setTimeout(() => (failure.value = ''), FAILURE_SHOWN_MS);
  });
  const context: MeetingContext = {
    client,
    streams,
    state,
    media,
    myId: computed(() => state.value.me?.person_id ?? ''),
    own: computed(() => ownMember(state.value)),
    hosts: computed(() => isHost(state.value)),
    failure,
    running,
    async run(name, action) {
      if (running.value.has(name)) return false;
      running.value = new Set(running.value).add(name);
      try {
        await action();
        failure.value = '';
        return true;
      } catch (error) {
        failure.value = failureText(error);
        return false;
      } finally {
        running.value = new Set([...running.value].filter((one) => one !== name));
      }
    },
  };
  provide(KEY, context);
  return context;
}

export function useMeeting(): MeetingContext {
  const context = inject(KEY);
  if (context === undefined) throw new Error('no meeting provided');
  return context;
}
