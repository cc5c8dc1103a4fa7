/** Titles of questions that are known by their ids alone. */
import { shallowRef, watch, type ShallowRef } from 'vue';
import { useEditor } from './desk';

const MOST = 2_000;

export interface Titles {
  readonly known: ShallowRef<ReadonlyMap<string, string>>;
  learn(id: string, title: string): void;
}

export function useTitles(ids: () => readonly string[]): Titles {
  const { api } = useEditor();
  const known = shallowRef<ReadonlyMap<string, string>>(new Map());
  watch(
    ids,
    async (wanted) => {
      const missing = [...new Set(wanted)].filter((id) => id !== '' && !known.value.has(id)).slice(0, MOST);
      if (missing.length === 0) return;
      const found = await api.titles(missing).catch(() => new Map<string, string>());
      known.value = new Map([...known.value, ...found]);
    },
    { immediate: true },
  );
  return {
    known,
    learn(id, title) {
      known.value = new Map([...known.value, [id, title]]);
    },
  };
}
