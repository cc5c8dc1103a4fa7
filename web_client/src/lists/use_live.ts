/** Open pages of the centre and of its staff side hear what changed, over a connection of their own scope. */
import { onScopeDispose, ref, type Ref } from 'vue';
import type { CaseList, CentreChanged } from '@/protocol/messages';
import { SignalingConnection } from '@/signaling/connection';

export interface Live {
  readonly unread: Ref<number>;
  readonly todos: Ref<number>;
  /** Each time something changed in this list; `null` listens to all. */
  on(changed: CaseList | null, heard: () => void): void;
  readonly closed: Ref<boolean>;
  reopen(): void;
}

export function useLive(token: () => string): Live {
  const unread = ref(0);
  const todos = ref(0);
  const closed = ref(false);
  const listeners = new Set<(changed: CaseList | null) => void>();
  const connection = new SignalingConnection({ url: window.location.origin, token, scope: 'centre' });
  let was = false;
  connection.on('centre.changed', (change: CentreChanged) => {
    if (change.unread !== null) unread.value = change.unread;
    if (change.todos !== null) todos.value = change.todos;
    for (const heard of listeners) heard(change.changed);
  });
  connection.on('status', ({ state, reason }) => {
    closed.value = state === 'closed' && reason?.code === 'signed_in_elsewhere';
    // What happened while the line was away is told by nobody.
    if (state === 'online' && was) for (const heard of listeners) heard(null);
    if (state === 'online') was = true;
  });
  connection.open();
  onScopeDispose(() => connection.close());
  return {
    unread,
    todos,
    closed,
    on(wanted, heard) {
      const own = (changed: CaseList | null): void => {
        if (wanted === null || changed === null || changed === wanted) heard();
      };
      listeners.add(own);
      onScopeDispose(() => listeners.delete(own));
    },
    reopen: () => connection.open(),
  };
}
