/** The state of the page in its address, so that back, reload and a shared link show the same. */
import { onBeforeUnmount, onMounted, shallowRef, type ShallowRef } from 'vue';

export interface Address {
  readonly values: ShallowRef<Readonly<Record<string, string>>>;
  /** What is empty is left out. `replace`: no step for the back button. */
  go(values: Readonly<Record<string, string>>, replace?: boolean): void;
  /** Some changed, the others as they are. */
  change(values: Readonly<Record<string, string>>, replace?: boolean): void;
}

const read = (): Record<string, string> => Object.fromEntries(new URLSearchParams(window.location.search));

export function useAddress(): Address {
  const values = shallowRef<Readonly<Record<string, string>>>(read());
  const onBack = (): void => {
    values.value = read();
  };
  onMounted(() => window.addEventListener('popstate', onBack));
  onBeforeUnmount(() => window.removeEventListener('popstate', onBack));

  function go(next: Readonly<Record<string, string>>, replace = false): void {
    const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ''));
    const query = new URLSearchParams(kept).toString();
    const url = query === '' ? window.location.pathname : `?${query}`;
    if (replace) window.history.replaceState(null, '', url);
    else window.history.pushState(null, '', url);
    values.value = kept;
  }

  return {
    values,
    go,
    change(next, replace) {
      go({ ...values.value, ...next }, replace);
    },
  };
}
