import { describe, expect, it } from 'vitest';
import { pushedWord } from '@/casework/pushed';
import { asTabs, numberParts, type Filter } from '@/lists/spec';
import { useAsk } from '@/lists/use_ask';

describe('a number of a case', () => {
  it('breaks before its date and nowhere else', () => {
    expect(numberParts('TJSQ440106202611220001')).toEqual(['TJSQ440106', '202611220001']);
    for (const text of ['广东省税务局服务运营中心', '2026-11-22 09:00-09:30', 'TJSQ44', '']) expect(numberParts(text)).toEqual([text]);
  });
});

describe('how a push went', () => {
  const made = { state: 'sent', publish_at: new Date(2026, 10, 22, 9, 30).getTime(), recipients: 3, unreached: [] } as const;

  it('says whom it reached', () => {
    expect(pushedWord(made)).toEqual({ text: '消息已推送给 3 人。', bad: false });
    expect(pushedWord({ ...made, state: 'scheduled', recipients: 0 })).toEqual({ text: '消息将于 2026-11-22 09:30 推送。', bad: false });
  });

  it('does not pass nobody off as done', () => {
    const told = pushedWord({ ...made, recipients: 0 });
    expect(told.bad).toBe(true);
    expect(told.text).toContain('未送达任何人');
  });

  it('names some of those a list does not reach', () => {
    const told = pushedWord({ ...made, unreached: ['a', 'b', 'c', 'd', 'e', 'f'] });
    expect(told.bad).toBe(true);
    expect(told.text).toContain('6 个账号');
    expect(told.text).toContain('a、b、c、d、e 等');
    expect(told.text).not.toContain('f');
  });
});

describe('a filter as tabs', () => {
  it('leaves the others', () => {
    const filters: Filter[] = [
      { name: 'number', label: '编号', kind: 'text' },
      { name: 'state', label: '状态', kind: 'select', options: [] },
    ];
    expect(asTabs(filters, 'state').map(({ kind }) => kind)).toEqual(['text', 'tabs']);
  });
});

describe('a question before a deed', () => {
  it('is one at a time', () => {
    const { question, ask } = useAsk();
    expect(question.value).toBeNull();
    ask({ title: '一', confirm: '是', act: () => undefined });
    ask({ title: '二', confirm: '是', act: () => undefined });
    expect(question.value?.title).toBe('二');
  });
});
