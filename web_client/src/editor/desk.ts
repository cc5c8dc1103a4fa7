/** What every part of the editor's page works with. */
import { inject, onBeforeUnmount, onMounted, provide, type InjectionKey, type Ref, type ShallowRef } from 'vue';
import type { ServiceHttp } from '@/rest/http';
import type { Address } from './address';
import type { Fault, KnowledgeApi, Parts } from './api';

/** Something to be confirmed first. */
export interface Asked {
  readonly title: string;
  readonly detail?: string;
  /** What the button says. */
  readonly confirm: string;
  readonly danger?: boolean;
  /** What is told afterwards; empty: nothing. */
  readonly done: string;
  readonly work: () => Promise<void> | void;
}

/** A question that is to be written because of what was asked of 悦悦. */
export interface Wanted {
  readonly asked: string;
  readonly turnId: string;
}

export interface EditorDesk {
  readonly api: KnowledgeApi;
  readonly http: ServiceHttp;
  readonly address: Address;
  readonly parts: ShallowRef<Parts>;
  readonly busy: Ref<boolean>;
  readonly faults: ShallowRef<readonly Fault[]>;
  readonly wanted: ShallowRef<Wanted | null>;
  /** Each says whether what stands in its form differs from what is saved. */
  readonly forms: Set<() => boolean>;
  /** Carries out a change and tells how it went; resolves to whether it was done. `done` empty: nothing is said. */
  apply(work: () => Promise<unknown>, done: string): Promise<boolean>;
  ask(asked: Asked): void;
  /** Goes on, after asking when something would be lost. */
  leave(go: () => void): void;
}

const KEY: InjectionKey<EditorDesk> = Symbol('editor');
export const provideEditor = (desk: EditorDesk): void => provide(KEY, desk);

export function useEditor(): EditorDesk {
  const desk = inject(KEY);
  if (desk === undefined) throw new Error('no editor provided');
  return desk;
}

/** As long as this form is shown, nobody leaves it unasked with `changed`. */
export function useUnsaved(changed: () => boolean): void {
  const desk = useEditor();
  const onUnload = (event: BeforeUnloadEvent): void => {
    if (changed()) event.preventDefault();
  };
  onMounted(() => {
    desk.forms.add(changed);
    window.addEventListener('beforeunload', onUnload);
  });
  onBeforeUnmount(() => {
    desk.forms.delete(changed);
    window.removeEventListener('beforeunload', onUnload);
  });
}

export const toLines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
export const when = (at: number): string => new Date(at).toLocaleString('zh-CN', { hour12: false });
