import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue';
import type { Source } from '@/protocol/messages';
import type { MediaRoom } from '@/session/media_room';

/** Whose picture of which kind a place is for. */
export interface Shown {
  readonly room: MediaRoom;
  readonly publisherId: string;
  readonly source: Source;
}

/**
 * Tells the server how large a place is, in device pixels, 0 × 0 while it is not shown or shows somebody else. It watches
 * the place and not the picture in it: no picture is sent into a place that is not shown, so the place must ask for it.
 */
export function useShownSize(place: Ref<HTMLElement | null | undefined>, shown: Ref<Shown | null>): void {
  let told: Shown | null = null;
  const tell = (one: Shown | null, width: number, height: number): void =>
    one?.room.setView(one.publisherId, one.source, width, height);
  const same = (a: Shown | null, b: Shown | null): boolean =>
    a?.room === b?.room && a?.publisherId === b?.publisherId && a?.source === b?.source;
  const report = (): void => {
    if (!same(told, shown.value)) tell(told, 0, 0);
    told = shown.value;
    const ratio = window.devicePixelRatio || 1;
    tell(told, Math.round((place.value?.clientWidth ?? 0) * ratio), Math.round((place.value?.clientHeight ?? 0) * ratio));
  };
  const observer = new ResizeObserver(report);
  onMounted(() => {
    watch(
      place,
      (element, before) => {
        // A template ref is null once its element is gone, whatever it began with.
        if (before != null) observer.unobserve(before);
        if (element != null) observer.observe(element);
        report();
      },
      { immediate: true, flush: 'post' },
    );
    watch(shown, report, { flush: 'post' });
  });
  onBeforeUnmount(() => {
    observer.disconnect();
    tell(told, 0, 0);
  });
}
