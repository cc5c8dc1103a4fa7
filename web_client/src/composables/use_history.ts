/** 【加载更多】: first the earlier lines of this conversation, then those of the ones before, page by page. */
import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import type { HistoryItem } from '@/rest/records';
import { guestIn, type InteractionState } from '@/session/state';
import type { SessionContext } from './use_session';

/** Pages that hold nothing but what is on the screen already, passed over at once. */
const MAX_PAGES = 8;

export interface History {
  readonly past: ShallowRef<readonly HistoryItem[]>;
  readonly hasEarlier: ComputedRef<boolean>;
  /** One has asked, and this is the beginning. */
  readonly noEarlier: ComputedRef<boolean>;
  /** `also`: what is loaded with it. */
  load(also?: () => Promise<void>): void;
  /** What was loaded is cleared from view. */
  forget(): void;
}

/** `ofTaxpayer`: of whom one serves in this interaction, instead of one's own. */
export function useHistory(session: SessionContext, interaction: ComputedRef<InteractionState | null>, ofTaxpayer: boolean): History {
  const past = shallowRef<readonly HistoryItem[]>([]);
  const cursor = shallowRef<string | null>(null);
  const exhausted = shallowRef(false);
  const id = computed(() => interaction.value?.view.interaction_id ?? null);
  function forget(): void {
    past.value = [];
    cursor.value = null;
    exhausted.value = false;
  }
  watch(id, forget);

  async function loadPast(): Promise<void> {
    const current = id.value;
    const view = interaction.value?.view;
    // A guest reads no other conversation of the taxpayer, and a collaboration has none.
    if (ofTaxpayer && (view?.kind === 'collaboration' || (view !== undefined && guestIn(view, session.myId.value) !== null))) {
      exhausted.value = true;
      return;
    }
    for (let page = 0; page < MAX_PAGES && !exhausted.value; page += 1) {
      const { items, next_cursor } = await session.client.records.history(cursor.value, ofTaxpayer ? current : null);
      if (id.value !== current) return;
      cursor.value = next_cursor;
      exhausted.value = next_cursor === null;
      const others = items.filter((item) => item.interaction_id !== current);
      past.value = [...[...others].reverse(), ...past.value];
      if (others.length > 0) return;
    }
  }

  return {
    past,
    hasEarlier: computed(() => !exhausted.value && session.state.value.me !== null),
    noEarlier: computed(() => exhausted.value),
    load(also) {
      void session.run('history', async () => {
        if (id.value === null || !(await session.client.loadEarlier(id.value))) await Promise.all([loadPast(), also?.()]);
      });
    },
    forget,
  };
}
