import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRenderer, defineComponent, h, nextTick, ref, shallowRef } from 'vue';
import { useShownSize, type Shown } from '@/composables/use_shown_size';

/** A renderer of plain objects: what counts is what becomes of the template's ref. */
interface Node { parent: Node | null; children: Node[]; clientWidth: number; clientHeight: number }
const node = (): Node => ({ parent: null, children: [], clientWidth: 320, clientHeight: 180 });
const renderer = createRenderer<Node, Node>({
  createElement: node,
  createText: node,
  createComment: node,
  setText: () => undefined,
  setElementText: () => undefined,
  patchProp: () => undefined,
  insert: (child, parent) => { child.parent = parent; parent.children.push(child); },
  remove: (child) => { child.parent = null; },
  parentNode: (child) => child.parent,
  nextSibling: () => null,
});

class Observer {
  observe(element: unknown): void {
    if (element === null || element === undefined) throw new TypeError('not of type Element');
  }
  unobserve(element: unknown): void { this.observe(element); }
  disconnect(): void { /* nothing is watched */ }
}

beforeEach(() => {
  vi.stubGlobal('ResizeObserver', Observer);
  vi.stubGlobal('window', { devicePixelRatio: 1 });
});
afterEach(() => vi.unstubAllGlobals());

test('a place that goes away is told as not shown, and told again when it is back', async () => {
  const told: string[] = [];
  const failures: unknown[] = [];
  const room = { setView: (who: string, source: string, width: number, height: number) => told.push(`${who} ${source} ${width}x${height}`) };
  const there = ref(true);
  const shown = shallowRef<Shown | null>({ room: room as unknown as Shown['room'], publisherId: 'p1', source: 'camera' });
  const app = renderer.createApp(defineComponent({
    setup() {
      const place = ref<HTMLElement>();
      useShownSize(place, shown);
      return () => h('main', there.value ? [h('div', { ref: place })] : []);
    },
  }));
  app.config.errorHandler = (error) => { failures.push(error); };
  app.mount(node());
  await nextTick();
  expect(told.at(-1)).toBe('p1 camera 320x180');
  there.value = false;
  await nextTick();
  expect(failures).toEqual([]);
  expect(told.at(-1)).toBe('p1 camera 0x0');
  there.value = true;
  await nextTick();
  expect(told.at(-1)).toBe('p1 camera 320x180');
  expect(failures).toEqual([]);
  app.unmount();
  expect(told.at(-1)).toBe('p1 camera 0x0');
});
