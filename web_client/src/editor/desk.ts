/** What every part of the editor's page works with. */
import { inject, provide, type InjectionKey, type Ref, type ShallowRef } from 'vue';
import type { Address } from './address';
import type { Fault, KnowledgeApi, Parts } from './api';

export interface Removal {
  readonly title: string;
  readonly detail?: string;
  readonly work: () => Promise<void>;
}

export interface EditorDesk {
  readonly api: KnowledgeApi;
  readonly address: Address;
  readonly parts: ShallowRef<Parts>;
  readonly busy: Ref<boolean>;
  readonly faults: ShallowRef<readonly Fault[]>;
  /** Carries out a change and tells how it went; resolves to whether it was done. `done` empty: nothing is said. */
  apply(work: () => Promise<unknown>, done: string): Promise<boolean>;
  ask(removal: Removal): void;
}

const KEY: InjectionKey<EditorDesk> = Symbol('editor');
export const provideEditor = (desk: EditorDesk): void => provide(KEY, desk);

export function useEditor(): EditorDesk {
  const desk = inject(KEY);
  if (desk === undefined) throw new Error('no editor provided');
  return desk;
}

export const toLines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
export const when = (at: number): string => new Date(at).toLocaleString('zh-CN', { hour12: false });
