/** Which list is shown stands in the path: `/centre/notices`. */
import { onScopeDispose, ref, type Ref } from 'vue';

export interface SectionState<Name extends string> {
  readonly section: Ref<Name>;
  /** Counts the visits, so that choosing a list again shows it afresh. */
  readonly visit: Ref<number>;
  show(next: Name, query?: string): void;
}

export function useSection<Name extends string>(root: string, names: readonly Name[], first: Name): SectionState<Name> {
  const read = (): Name => names.find((name) => window.location.pathname === `${root}/${name}`) ?? first;
  const section = ref(read()) as Ref<Name>;
  const visit = ref(0);
  const onPop = (): void => {
    const next = read();
    if (next !== section.value) {
      section.value = next;
      visit.value += 1;
    }
  };
  window.addEventListener('popstate', onPop);
  onScopeDispose(() => window.removeEventListener('popstate', onPop));
  return {
    section,
    visit,
    show(next, query = '') {
      window.history.pushState(null, '', `${root}/${next}${query}`);
      section.value = next;
      visit.value += 1;
    },
  };
}
