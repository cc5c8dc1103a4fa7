import { expect, it } from 'vitest';
import type { DayFigures } from '@/editor/api';
import { coverage, handOverRate, hitRate, percent, sum, usefulRate } from '@/editor/rates';

const day: DayFigures = { day: '2026-11-20', turns: 12, typed: 8, answered: 4, unsure: 1, clarified: 1, off_subject: 2, useful: 3, useless: 1, people: 4, handed_over: 1 };
const quiet: DayFigures = { day: '2026-11-21', turns: 0, typed: 0, answered: 0, unsure: 0, clarified: 0, off_subject: 0, useful: 0, useless: 0, people: 0, handed_over: 0 };

it('says what the counts mean', () => {
  expect([coverage(day), hitRate(day), handOverRate(day), usefulRate(day)].map(percent)).toEqual(['75.0%', '50.0%', '25.0%', '75.0%']);
});

it('judges nothing by nothing', () => {
  expect([coverage(quiet), hitRate(quiet), handOverRate(quiet), usefulRate(quiet)].map(percent)).toEqual(['—', '—', '—', '—']);
});

it('weighs days by what was asked on them', () => {
  expect(hitRate(sum([day, quiet, { ...day, answered: 8 }]))).toBe(0.75);
});
