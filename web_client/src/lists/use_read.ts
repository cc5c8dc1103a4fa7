/** Something read once for a page, apart from the lists: there, on its way, or failed with a way to try again. */
import { onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { failureText } from '@/messages';

export interface Read<Value> {
  /** Null until it is there. */
  readonly value: ShallowRef<Value | null>;
  readonly problem: Ref<string>;
  reload(): Promise<void>;
}

export function useRead<Value>(read: () => Promise<Value>): Read<Value> {
  const value = shallowRef<Value | null>(null) as ShallowRef<Value | null>;
  const problem = ref('');
  async function reload(): Promise<void> {
    problem.value = '';
    try {
      value.value = await read();
    } catch (error) {
      problem.value = failureText(error);
    }
  }
  onMounted(reload);
  return { value, problem, reload };
}
