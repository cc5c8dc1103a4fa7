/** What a person asked for on a page of lists: once at a time, its failure as a sentence, its success told. */
import { ref, type Ref } from 'vue';
import { failureText } from '@/messages';

export interface Deed {
  readonly busy: Ref<boolean>;
  readonly told: Ref<{ readonly text: string; readonly bad: boolean } | null>;
  /** True: it was done. */
  run(work: () => Promise<unknown>, done: string): Promise<boolean>;
}

export function useDeed(): Deed {
  const busy = ref(false);
  const told = ref<{ text: string; bad: boolean } | null>(null);
  return {
    busy,
    told,
    async run(work, done) {
      if (busy.value) return false;
      busy.value = true;
      told.value = null;
      try {
        await work();
        if (done !== '') told.value = { text: done, bad: false };
        return true;
      } catch (error) {
        told.value = { text: failureText(error), bad: true };
        return false;
      } finally {
        busy.value = false;
      }
    },
  };
}
