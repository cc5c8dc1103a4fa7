/** A list of the server as the address of the page says: going back, sharing and reloading show the same. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import { failureText } from '@/messages';
import type { ServiceHttp } from '@/rest/http';
import { queryOf, type Listing, type ListSpec } from './spec';

export interface ListState<Row> {
  readonly listing: ShallowRef<Listing<Row> | null>;
  readonly loading: Ref<boolean>;
  readonly problem: Ref<string>;
  /** What stands in the address. */
  readonly address: ShallowRef<URLSearchParams>;
  /** Another page, another search: with a place of its own in the history. */
  go(changed: Readonly<Record<string, string>>): void;
  reload(): Promise<void>;
  /** The query of the server, for an export. */
  query(): URLSearchParams;
}

export function useList<Row>(http: ServiceHttp, spec: Ref<ListSpec<Row>>): ListState<Row> {
  const listing = shallowRef<Listing<Row> | null>(null);
  const loading = ref(false);
  const problem = ref('');
  const address = shallowRef(new URLSearchParams(window.location.search));
  let asked = 0;

  async function reload(): Promise<void> {
    const own = ++asked;
    loading.value = true;
    try {
      const found = await http.send<Listing<Row>>(`${spec.value.path}?${query().toString()}`);
      if (own === asked) {
        listing.value = found;
        problem.value = '';
      }
    } catch (error) {
      if (own === asked) problem.value = failureText(error);
    }
    if (own === asked) loading.value = false;
  }

  const query = (): URLSearchParams => queryOf(spec.value as ListSpec<unknown>, address.value);

  function go(changed: Readonly<Record<string, string>>): void {
    const next = new URLSearchParams(address.value);
    for (const [name, value] of Object.entries(changed)) {
      if (value === '') next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    window.history.pushState(null, '', text === '' ? window.location.pathname : `?${text}`);
    address.value = next;
    void reload();
  }

  const onPop = (): void => {
    address.value = new URLSearchParams(window.location.search);
    void reload();
  };
  window.addEventListener('popstate', onPop);
  onScopeDispose(() => window.removeEventListener('popstate', onPop));
  watch(spec, () => void reload(), { immediate: true });
  return { listing, loading, problem, address, go, reload, query };
}
