import { describe, expect, it } from 'vitest';
import { countMark, countsRead, countsText, countsTold, NO_COUNTS } from '@/session/counts';

describe('counts of the inbox', () => {
  it('are those told last', () => {
    const first = countsTold(NO_COUNTS, { unread: 2, todos: 1 });
    expect(countsTold(first, { unread: 0, todos: 0 })).toMatchObject({ unread: 0, todos: 0 });
  });

  it('stay when a list changed that has none', () => {
    const first = countsTold(NO_COUNTS, { unread: 2, todos: 1 });
    expect(countsTold(first, { unread: null, todos: null })).toBe(first);
  });

  it('read at the beginning give way to what was told meanwhile', () => {
    const { told } = NO_COUNTS;
    expect(countsRead(NO_COUNTS, { unread: 4, todos: 0 }, told)).toMatchObject({ unread: 4, todos: 0 });
    const meanwhile = countsTold(NO_COUNTS, { unread: 5, todos: 1 });
    expect(countsRead(meanwhile, { unread: 4, todos: 0 }, told)).toBe(meanwhile);
  });

  it('are shown short and said in full', () => {
    expect([0, 7, 99, 100].map(countMark)).toEqual(['', '7', '99', '99+']);
    expect(countsText({ unread: 3, todos: 1 })).toBe('3 条未读消息，1 项待办');
    expect(countsText({ unread: 0, todos: 0 })).toBe('');
  });
});
