import type { Organisation } from './api';

/** Carries out a change, tells how it went, and resolves to whether it was done. */
export type Apply = (work: () => Promise<Organisation>, done: string) => Promise<boolean>;

/** A question before something is deleted. */
export interface Removal {
  readonly title: string;
  readonly detail?: string;
  readonly work: () => Promise<Organisation>;
}

/** What the server takes as a code of one's own making. */
export const isCode = (text: string): boolean => /^[A-Za-z0-9_.:-]{1,64}$/.test(text);
