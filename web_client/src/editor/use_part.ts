/** A part that is edited as a whole: a copy to work on, and whether it differs. */
import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from 'vue';
import type { PartName } from './api';
import { useEditor } from './desk';

export interface PartDraft<Item> {
  readonly items: Ref<Item[]>;
  readonly changed: ComputedRef<boolean>;
  add(item: Item): void;
  remove(index: number): void;
  /** One place up (-1) or down (1). */
  move(index: number, by: -1 | 1): void;
  save(): Promise<void>;
}

export function usePart<Item>(name: PartName, prepare: (items: Item[]) => unknown = (items) => items): PartDraft<Item> {
  const { api, parts, apply } = useEditor();
  const copy = (): Item[] => structuredClone(parts.value[name]) as unknown as Item[];
  const items = ref(copy()) as Ref<Item[]>;
  const saved = ref(JSON.stringify(items.value));
  const changed = computed(() => JSON.stringify(items.value) !== saved.value);
  const onUnload = (event: BeforeUnloadEvent): void => {
    if (changed.value) event.preventDefault();
  };
  onMounted(() => window.addEventListener('beforeunload', onUnload));
  onBeforeUnmount(() => window.removeEventListener('beforeunload', onUnload));
  return {
    items,
    changed,
    add(item) {
      items.value.push(item);
    },
    remove(index) {
      items.value.splice(index, 1);
    },
    move(index, by) {
      const [one] = items.value.splice(index, 1);
      if (one !== undefined) items.value.splice(Math.max(0, index + by), 0, one);
    },
    async save() {
      const done = await apply(async () => {
        parts.value = await api.savePart(name, prepare(items.value));
      }, '已保存。');
      if (!done) return;
      items.value = copy();
      saved.value = JSON.stringify(items.value);
    },
  };
}

/** An id nobody has yet. */
export const newId = (prefix: string): string => `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
