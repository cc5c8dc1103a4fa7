/**
 * Who works by keyboard never loses the place. When the button that was pressed goes away or is switched off, browsers
 * let the focus fall to the page (HTML §6.6.2, focus fixup); here it moves on to where one goes on.
 *
 * Only after a key was pressed: on a phone a focused input would open the screen keyboard over everything.
 */
import { onBeforeUnmount, onMounted, type Ref } from 'vue';

const REACHABLE = 'button:not(:disabled), textarea:not(:disabled), input:not(:disabled), select:not(:disabled), [tabindex="0"]';

/** The first thing in `place` one can use now; null when it is not shown. */
export function firstReachable(place: Element | null | undefined): HTMLElement | null {
  const all = [...(place?.querySelectorAll<HTMLElement>(REACHABLE) ?? [])];
  return all.find((one) => one.offsetParent !== null && one.closest('[inert]') === null) ?? null;
}

/** `next` says where to go on from what had the focus; null: it is not decided yet. */
export function useKeptFocus(box: Ref<HTMLElement | undefined>, next: (from: HTMLElement) => HTMLElement | null | undefined): void {
  let last: HTMLElement | null = null;
  let byKeyboard = false;
  let asked = 0;

  const root = (): Document | ShadowRoot => box.value?.getRootNode() as Document | ShadowRoot;
  const isUsable = (element: HTMLElement): boolean =>
    element.isConnected && element.offsetParent !== null && !(element as HTMLButtonElement).disabled && element.closest('[inert]') === null;

  function mend(): void {
    asked = 0;
    if (last === null || !byKeyboard || box.value === undefined || !document.hasFocus()) return;
    // Somebody has it: a dialog, the host page, or all is well.
    const nowhere = (active: Element | null): boolean => active === null || active === document.body;
    const lost = nowhere(root().activeElement) ? nowhere(document.activeElement) || root() === document : root().activeElement === last && !isUsable(last);
    if (!lost) return;
    // What was only switched off for a moment gets it back.
    const to = isUsable(last) ? last : next(last);
    if (to == null) return;
    last = to;
    to.focus();
  }

  const observer = new MutationObserver(() => {
    asked ||= requestAnimationFrame(mend);
  });
  const onFocus = (event: FocusEvent): void => {
    last = event.target as HTMLElement;
  };
  const onKey = (): void => {
    byKeyboard = true;
  };
  const onPointer = (): void => {
    byKeyboard = false;
  };

  onMounted(() => {
    const element = box.value;
    if (element === undefined) return;
    observer.observe(element, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled', 'style', 'inert'] });
    element.addEventListener('focusin', onFocus);
    element.addEventListener('keydown', onKey, true);
    element.addEventListener('pointerdown', onPointer, true);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
    cancelAnimationFrame(asked);
    box.value?.removeEventListener('focusin', onFocus);
    box.value?.removeEventListener('keydown', onKey, true);
    box.value?.removeEventListener('pointerdown', onPointer, true);
  });
}
