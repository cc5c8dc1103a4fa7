import { onScopeDispose, watch, type Ref } from 'vue';
import { RingTone } from '@/session/ring_tone';

/** Rings while `ringing` is true and the person wants to hear it. */
export function useRing(ringing: Ref<boolean>, wanted: Ref<boolean> | boolean = true): void {
  const tone = new RingTone();
  watch(
    () => ringing.value && (typeof wanted === 'boolean' ? wanted : wanted.value),
    (on) => {
      if (on) tone.start();
      else tone.stop();
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    tone.stop();
  });
}
