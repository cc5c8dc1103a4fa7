/** What the staff side knows about who works here. */
import type { CaseContext } from '@/lists/context';
import type { NamedCode } from '@/lists/spec';

export interface StaffHome {
  readonly centres: readonly NamedCode[];
  readonly agents: readonly { readonly agent_id: string; readonly staff_number: string; readonly centres: readonly string[] }[];
  /** Permissions that show or hide what a page offers; the server asks again. */
  readonly may: readonly string[];
  readonly unread: number;
  readonly todos: number;
}

export interface StaffContext extends CaseContext {
  readonly home: StaffHome;
  /** The centre whose lists are shown. */
  readonly centreId: string;
}
