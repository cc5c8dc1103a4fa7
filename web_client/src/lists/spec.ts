/** What a list is made of: which entry it reads, its filters and its columns. */
import type { ServiceHttp } from '@/rest/http';

/** Answers of every list of the server. `page` is the one shown. */
export interface Listing<Row> {
  readonly items: readonly Row[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
  /** Words were looked for in so many of the newest at most. */
  readonly within: number | null;
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

/**
 * `period` is two filters of the server, `<name>_from` and `<name>_before`; days here, milliseconds there.
 * `tabs` stand above the list and are chosen by one press.
 */
export interface Filter {
  readonly name: string;
  readonly label: string;
  readonly kind: 'text' | 'select' | 'period' | 'tabs';
  readonly options?: readonly Option[];
}

/** For who works through a list: one press for what is to be done. */
export const asTabs = (filters: readonly Filter[], name: string): Filter[] => filters.map((one) => (one.name === name ? { ...one, kind: 'tabs' } : one));

export interface ListColumn<Row> {
  readonly key: string;
  readonly label: string;
  readonly text: (row: Row, index: number) => string;
  /** Long texts are cut in the table and whole in the detail. */
  readonly long?: boolean;
  /** May stand in two lines: a number breaks before its date, a time after it. */
  readonly broken?: boolean;
  /** The name the server sorts by. */
  readonly sort?: string;
}

export interface ListSpec<Row> {
  readonly path: string;
  readonly filters: readonly Filter[];
  readonly columns: readonly ListColumn<Row>[];
  readonly id: (row: Row) => string;
  /** Always asked for, whatever the filters. */
  readonly fixed?: Readonly<Record<string, string>>;
}

export interface NamedCode {
  readonly code: string;
  readonly name: string;
}

export interface AuthorityChoice extends NamedCode {
  readonly parent: string | null;
  readonly served: boolean;
  /** The centre that serves it. */
  readonly centre_id: string | null;
}

/** The server's words for its codes, and what one chooses from. */
export interface Choices {
  readonly words: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly services: readonly NamedCode[];
  readonly centres: readonly NamedCode[];
  readonly authorities: readonly AuthorityChoice[];
}

export const optionsOf = (choices: Choices, kind: string): Option[] =>
  Object.entries(choices.words[kind] ?? {}).map(([value, label]) => ({ value, label }));
export const optionsOfCodes = (codes: readonly NamedCode[]): Option[] => codes.map(({ code, name }) => ({ value: code, label: name }));

export const DAY_MS = 86_400_000;
const two = (value: number): string => String(value).padStart(2, '0');

/** 2026-11-21 09:30 in the person's own time; a dash for none. */
export function dateTime(at: number | null): string {
  if (at === null) return '—';
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** 2026-11-21 */
export const dayOf = (at: number): string => dateTime(at).slice(0, 10);

/** A number of a case in two parts: letters and region, then date and count. */
export const numberParts = (text: string): readonly string[] => /^([A-Z]+\d{6})(\d{12,})$/.exec(text)?.slice(1) ?? [text];

/** The beginning of a day (ISO 8601) in the person's own time; null for what is no day. */
export function beginOf(day: string): number | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (found === null) return null;
  const at = new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3])).getTime();
  return Number.isNaN(at) ? null : at;
}

/** The query of the server for what stands in the address of the page. Unknown names are left away. */
export function queryOf(spec: Pick<ListSpec<unknown>, 'filters' | 'fixed'>, address: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams(spec.fixed);
  for (const { name, kind } of spec.filters) {
    if (kind === 'period') {
      const from = beginOf(address.get(`${name}_from`) ?? '');
      const until = beginOf(address.get(`${name}_until`) ?? '');
      if (from !== null) query.set(`${name}_from`, String(from));
      // The last day is part of the period.
      if (until !== null) query.set(`${name}_before`, String(beginOf(dayOf(until + DAY_MS + DAY_MS / 2)) ?? until + DAY_MS));
    } else {
      const value = (address.get(name) ?? '').trim();
      if (value !== '') query.set(name, value);
    }
  }
  for (const name of ['page', 'sort', 'order']) {
    const value = address.get(name);
    if (value !== null) query.set(name, value);
  }
  return query;
}

export interface CaseHttp {
  readonly http: ServiceHttp;
  readonly choices: Choices;
}
