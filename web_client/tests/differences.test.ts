import { describe, expect, it } from 'vitest';
import type { QuestionContent } from '@/editor/api';
import { compareLines, differences } from '@/editor/differences';

const content = (more: Partial<QuestionContent> = {}): QuestionContent => ({
  topic: 'a',
  title: '怎样开具数电票',
  aliases: ['怎么开票', '开发票'],
  answer: '第一步。\n第二步。\n第三步。',
  keywords: [],
  links: [],
  regions: [],
  valid_from: null,
  valid_until: null,
  hot_rank: null,
  pages: [],
  demonstration: false,
  ...more,
});

describe('differences of two versions', () => {
  it('names only what differs', () => {
    expect(differences(content(), content(), new Map())).toEqual([]);
    const found = differences(content(), content({ topic: 'b', valid_until: '2026-12-31', regions: ['440000'] }), new Map([['a', '发票'], ['b', '退税']]));
    expect(found.map((one) => one.name)).toEqual(['分类', '适用地区', '有效期']);
    expect(found[0]?.lines).toEqual([
      { side: 'before', text: '发票' },
      { side: 'after', text: '退税' },
    ]);
  });

  it('keeps lines that stayed, also when others move', () => {
    const lines = compareLines(['第一步。', '第二步。', '第三步。'], ['第一步。', '新的一步。', '第三步。', '最后。']);
    expect(lines.map((one) => `${one.side}:${one.text}`)).toEqual(['same:第一步。', 'before:第二步。', 'after:新的一步。', 'same:第三步。', 'after:最后。']);
    expect(compareLines([], ['一'])).toEqual([{ side: 'after', text: '一' }]);
  });

  it('loses nothing: each side can be read back', () => {
    const before = ['a', 'b', 'c', 'a', 'd'];
    const after = ['b', 'a', 'c', 'd', 'd', 'e'];
    const lines = compareLines(before, after);
    expect(lines.filter((one) => one.side !== 'after').map((one) => one.text)).toEqual(before);
    expect(lines.filter((one) => one.side !== 'before').map((one) => one.text)).toEqual(after);
  });
});
