/** What is unread in one's inbox and what is to be done, as told over the socket and as read at the beginning. Pure. */

export interface Counts {
  readonly unread: number;
  readonly todos: number;
}

export interface CountsState extends Counts {
  /** How often they were told. */
  readonly told: number;
}

export const NO_COUNTS: CountsState = { unread: 0, todos: 0, told: 0 };

/** The server says so. Without counts nothing of the inbox changed. */
export const countsTold = (state: CountsState, change: { readonly unread: number | null; readonly todos: number | null }): CountsState =>
  change.unread === null || change.todos === null ? state : { unread: change.unread, todos: change.todos, told: state.told + 1 };

/** What was asked for when `toldBefore` had been told: older than anything told since. */
export const countsRead = (state: CountsState, read: Counts, toldBefore: number): CountsState =>
  state.told === toldBefore ? { ...state, unread: read.unread, todos: read.todos } : state;

/** For a small mark beside a word; empty for none. */
export const countMark = (count: number): string => (count > 99 ? '99+' : count > 0 ? String(count) : '');

/** Said to those who do not see the mark. */
export function countsText({ unread, todos }: Counts): string {
  const parts = [...(unread > 0 ? [`${unread} 条未读消息`] : []), ...(todos > 0 ? [`${todos} 项待办`] : [])];
  return parts.join('，');
}
