/** The state of the page in its address, so that back, reload and a shared link show the same. */
import { onBeforeUnmount, onMounted, shallowRef, type ShallowRef } from 'vue';

type Values = Readonly<Record<string, string>>;

export interface Address {
  readonly values: ShallowRef<Readonly<Record<string, string>>>;
  /** What is empty is left out. `replace`: no step for the back button. */
  go(values: Readonly<Record<string, string>>, replace?: boolean): void;
  /** Some changed, the others as they are. */
  change(values: Readonly<Record<string, string>>, replace?: boolean): void;
}

function toUrl(values: Values): string {
  const query = new URLSearchParams(values).toString();
  return query === '' ? window.location.pathname : `?${query}`;
}

const read = (): Record<string, string> => Object.fromEntries(new URLSearchParams(window.location.search));

/** `stays` hears where the back button leads and says whether to stay, where something would be lost. */
export function useAddress(stays: (next: Values) => boolean = () => false): Address {
  const values = shallowRef<Values>(read());
  const onBack = (): void => {
    const next = read();
    if (stays(next)) window.history.pushState(null, '', toUrl(values.value));
    else values.value = next;
  };
  onMounted(() => window.addEventListener('popstate', onBack));
  onBeforeUnmount(() => window.removeEventListener('popstate', onBack));

  function go(next: Readonly<Record<string, string>>, replace = false): void {
    const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ''));
    const url = toUrl(kept);
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
