/** A part that is edited as a whole: a copy to work on, whether it differs, and whether somebody else saved meanwhile. */
import { computed, onMounted, ref, type ComputedRef, type Ref } from 'vue';
import { RequestError } from '@/signaling/errors';
import type { PartName } from './api';
import { useEditor, useUnsaved } from './desk';

export interface PartDraft<Item> {
  readonly items: Ref<Item[]>;
  readonly changed: ComputedRef<boolean>;
  /** Another editor has saved this part since; nothing of ours was. */
  readonly conflict: Ref<boolean>;
  /** Counts how often `items` was replaced by what is in force. */
  readonly taken: Ref<number>;
  add(item: Item): void;
  remove(index: number): void;
  /** One place up (-1) or down (1). */
  move(index: number, by: -1 | 1): void;
  save(): Promise<void>;
  /** Theirs, without what was changed here. */
  takeTheirs(): Promise<void>;
  /** Ours in place of theirs. */
  keepOurs(): Promise<void>;
}

export function usePart<Item>(name: PartName, prepare: (items: Item[]) => unknown = (items) => items): PartDraft<Item> {
  const { api, parts, apply } = useEditor();
  const copy = (): Item[] => structuredClone(parts.value[name]) as unknown as Item[];
  const items = ref(copy()) as Ref<Item[]>;
  const saved = ref(JSON.stringify(items.value));
  const conflict = ref(false);
  const taken = ref(0);
  let etag = parts.value.etags[name];
  const changed = computed(() => JSON.stringify(items.value) !== saved.value);
  useUnsaved(() => changed.value);

  function take(): void {
    items.value = copy();
    saved.value = JSON.stringify(items.value);
    etag = parts.value.etags[name];
    conflict.value = false;
    taken.value += 1;
  }

  const load = (): Promise<boolean> =>
    apply(async () => {
      parts.value = await api.parts();
    }, '');

  async function save(): Promise<void> {
    const done = await apply(async () => {
      try {
        parts.value = await api.savePart(name, prepare(items.value), etag);
      } catch (error) {
        conflict.value = error instanceof RequestError && error.code === 'conflict';
        throw error;
      }
    }, '已保存。');
    if (done) take();
  }

  // The page may have been open for hours: what is edited begins with what is in force now.
  onMounted(async () => {
    if ((await load()) && !changed.value && etag !== parts.value.etags[name]) take();
  });

  return {
    items,
    changed,
    conflict,
    taken,
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
    save,
    async takeTheirs() {
      if (await load()) take();
    },
    async keepOurs() {
      if (!(await load())) return;
      etag = parts.value.etags[name];
      conflict.value = false;
      await save();
    },
  };
}

/** An id nobody has yet. */
export const newId = (prefix: string): string => `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
