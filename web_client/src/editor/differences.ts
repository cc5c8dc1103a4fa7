/** What two versions of a question differ in, field by field and line by line. Pure. */
import type { QuestionContent } from './api';

export type Side = 'same' | 'before' | 'after';

export interface Line {
  readonly side: Side;
  readonly text: string;
}

export interface Difference {
  readonly name: string;
  readonly lines: readonly Line[];
}

const FIELDS: readonly { readonly name: string; readonly lines: (of: QuestionContent, topics: ReadonlyMap<string, string>) => readonly string[] }[] = [
  { name: '标准问题', lines: (of) => [of.title] },
  { name: '分类', lines: (of, topics) => [topics.get(of.topic) ?? of.topic] },
  { name: '相似问', lines: (of) => of.aliases },
  { name: '答案', lines: (of) => of.answer.split('\n') },
  { name: '链接', lines: (of) => of.links.map((link) => `${link.title} ${link.url}`) },
  { name: '附件', lines: (of) => (of.documents ?? []).map((document) => document.name) },
  { name: '关键词', lines: (of) => of.keywords },
  { name: '适用地区', lines: (of) => (of.regions.length === 0 ? ['全国'] : of.regions) },
  { name: '有效期', lines: (of) => [of.valid_from === null && of.valid_until === null ? '长期' : `${of.valid_from ?? ''} 至 ${of.valid_until ?? ''}`] },
  { name: '热点位次', lines: (of) => [of.hot_rank === null ? '未置顶' : String(of.hot_rank)] },
  { name: '推荐页面', lines: (of) => of.pages },
  { name: '演示内容', lines: (of) => [of.demonstration ? '是' : '否'] },
];

/** The longest common subsequence of lines; fields are short enough for the plain table. */
export function compareLines(before: readonly string[], after: readonly string[]): Line[] {
  const width = after.length + 1;
  const longest = new Uint16Array((before.length + 1) * width);
  for (let a = before.length - 1; a >= 0; a -= 1) {
    for (let b = after.length - 1; b >= 0; b -= 1) {
      const at = a * width + b;
      longest[at] = before[a] === after[b] ? (longest[at + width + 1] ?? 0) + 1 : Math.max(longest[at + width] ?? 0, longest[at + 1] ?? 0);
    }
  }
  const lines: Line[] = [];
  let a = 0;
  let b = 0;
  while (a < before.length || b < after.length) {
    const at = a * width + b;
    if (a < before.length && b < after.length && before[a] === after[b]) {
      lines.push({ side: 'same', text: before[a] ?? '' });
      a += 1;
      b += 1;
    } else if (a < before.length && (b === after.length || (longest[at + width] ?? 0) >= (longest[at + 1] ?? 0))) {
      lines.push({ side: 'before', text: before[a] ?? '' });
      a += 1;
    } else {
      lines.push({ side: 'after', text: after[b] ?? '' });
      b += 1;
    }
  }
  return lines;
}

/** Only the fields that differ, in the order of the form. */
export function differences(before: QuestionContent, after: QuestionContent, topics: ReadonlyMap<string, string>): Difference[] {
  return FIELDS.map(({ name, lines }) => ({ name, lines: compareLines(lines(before, topics), lines(after, topics)) })).filter((field) =>
    field.lines.some((line) => line.side !== 'same'),
  );
}
