/** What the counts of a day say. null: nothing to judge by. */
import type { DayFigures } from './api';

const part = (some: number, all: number): number | null => (all === 0 ? null : some / all);

/** 覆盖率: typed questions that are of her business. */
export const coverage = (day: DayFigures): number | null => part(day.typed - day.off_subject, day.typed);
/** 命中率: typed questions answered at once. */
export const hitRate = (day: DayFigures): number | null => part(day.answered, day.typed);
/** 转人工率: of those who asked, who turned to a human within half an hour. */
export const handOverRate = (day: DayFigures): number | null => part(day.handed_over, day.people);
/** 有用率: of the answers that were judged. */
export const usefulRate = (day: DayFigures): number | null => part(day.useful, day.useful + day.useless);

/** Of several days together; a person who comes on two days counts twice. */
export function sum(days: readonly DayFigures[]): DayFigures {
  const zero: DayFigures = { day: '', turns: 0, typed: 0, answered: 0, unsure: 0, clarified: 0, off_subject: 0, useful: 0, useless: 0, people: 0, handed_over: 0 };
  return days.reduce<DayFigures>(
    (all, one) => ({
      day: '',
      turns: all.turns + one.turns,
      typed: all.typed + one.typed,
      answered: all.answered + one.answered,
      unsure: all.unsure + one.unsure,
      clarified: all.clarified + one.clarified,
      off_subject: all.off_subject + one.off_subject,
      useful: all.useful + one.useful,
      useless: all.useless + one.useless,
      people: all.people + one.people,
      handed_over: all.handed_over + one.handed_over,
    }),
    zero,
  );
}

export const percent = (rate: number | null): string => (rate === null ? '—' : `${(rate * 100).toFixed(1)}%`);
