/** Open pages of the centre and of its staff side hear what changed, over a connection of their own scope. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { CaseList, CentreChanged } from '@/protocol/messages';
import { countsRead, countsTold, NO_COUNTS, type Counts, type CountsState } from '@/session/counts';
import { SignalingConnection } from '@/signaling/connection';

export interface Live {
  readonly counts: ShallowRef<CountsState>;
  /** Reads the counts, now and whenever the line was away: what happened meanwhile is told by nobody. */
  count(read: () => Promise<Counts>): void;
  /** Each time something changed in this list. */
  on(changed: CaseList, heard: () => void): void;
  readonly closed: Ref<boolean>;
  reopen(): void;
}

export function useLive(token: () => string): Live {
  const counts = shallowRef(NO_COUNTS);
  let readCounts: (() => Promise<Counts>) | null = null;
  const closed = ref(false);
  const listeners = new Set<(changed: CaseList | null) => void>();
  const connection = new SignalingConnection({ url: window.location.origin, token, scope: 'centre' });
  let was = false;
  connection.on('centre.changed', (change: CentreChanged) => {
    counts.value = countsTold(counts.value, change);
    for (const heard of listeners) heard(change.changed);
    // What is told with counts may have come with a notice.
    if (change.unread !== null && change.changed !== 'notices') for (const heard of listeners) heard('notices');
  });
  connection.on('status', ({ state, reason }) => {
    closed.value = state === 'closed' && reason?.code === 'signed_in_elsewhere';
    // What happened while the line was away is told by nobody.
    if (state === 'online' && was) {
      for (const heard of listeners) heard(null);
      void refresh();
    }
    if (state === 'online') was = true;
  });
  async function refresh(): Promise<void> {
    if (readCounts === null) return;
    const { told } = counts.value;
    try {
      counts.value = countsRead(counts.value, await readCounts(), told);
    } catch {
      // The lists say what went wrong; the next change tells the counts.
    }
  }

  connection.open();
  onScopeDispose(() => connection.close());
  return {
    counts,
    count(read) {
      readCounts = read;
      void refresh();
    },
    closed,
    on(wanted, heard) {
      const own = (changed: CaseList | null): void => {
        if (changed === null || changed === wanted) heard();
      };
      listeners.add(own);
      onScopeDispose(() => listeners.delete(own));
    },
    reopen: () => connection.open(),
  };
}
