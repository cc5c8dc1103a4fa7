/** The session of the page for components: what is known, and what one can do with its failures shown. */
import { computed, inject, onScopeDispose, provide, shallowRef, type ComputedRef, type InjectionKey, type ShallowRef } from 'vue';
import { failureNotice, sideOf, type Notice, type Side } from '@/messages';
import type { ServiceClient } from '@/session/client';
import type { InteractionState, SessionState } from '@/session/state';

export interface SessionContext {
  readonly client: ServiceClient;
  readonly state: ShallowRef<SessionState>;
  readonly side: ComputedRef<Side>;
  readonly myId: ComputedRef<string>;
  /** Open ones first, the latest first. */
  readonly interactions: ComputedRef<readonly InteractionState[]>;
  /** What went wrong last; null when it was seen. */
  readonly failure: ShallowRef<Notice | null>;
  readonly running: ShallowRef<ReadonlySet<string>>;
  /** Runs what a person asked for, once at a time under its name; a failure is shown, never thrown. True: it was done. */
  run(name: string, action: () => Promise<unknown>): Promise<boolean>;
  /** The same for what may be on its way several times at once: messages, each of which counts. */
  attempt(action: () => Promise<unknown>): Promise<boolean>;
}

const KEY: InjectionKey<SessionContext> = Symbol('session');

export function provideSession(client: ServiceClient, fallback: Side): SessionContext {
  const state = shallowRef(client.state.get());
  const failure = shallowRef<Notice | null>(null);
  onScopeDispose(
    client.state.subscribe((next) => {
      // What failed for want of a connection is of yesterday once there is one again.
      if (next.connection.state === 'online' && state.value.connection.state !== 'online') failure.value = null;
      state.value = next;
    }),
  );
  const side = computed(() => (state.value.me === null ? fallback : sideOf(state.value.me.role)));
  const running = shallowRef<ReadonlySet<string>>(new Set());
  const context: SessionContext = {
    client,
    state,
    side,
    myId: computed(() => state.value.me?.person_id ?? ''),
    interactions: computed(() =>
      [...state.value.interactions.values()].sort(
        (a, b) =>
          Number(a.view.phase === 'closed') - Number(b.view.phase === 'closed') || b.view.opened_at - a.view.opened_at,
      ),
    ),
    failure,
    running,
    async run(name, action) {
      if (running.value.has(name)) return false;
      running.value = new Set(running.value).add(name);
      try {
        return await context.attempt(action);
      } finally {
        running.value = new Set([...running.value].filter((one) => one !== name));
      }
    },
    async attempt(action) {
      try {
        await action();
        failure.value = null;
        return true;
      } catch (error) {
        failure.value = failureNotice(error, side.value);
        return false;
      }
    },
  };
  provide(KEY, context);
  return context;
}

export function useSession(): SessionContext {
  const context = inject(KEY);
  if (context === undefined) throw new Error('no session provided');
  return context;
}
