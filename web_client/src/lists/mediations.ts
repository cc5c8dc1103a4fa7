/** How mediation applications are listed on both sides. */
import type { Mediation } from './cases';
import { dateTime, optionsOf, type Choices, type Filter, type ListColumn } from './spec';

export const mediationFilters = (choices: Choices): Filter[] => [
  { name: 'number', label: '申请编号', kind: 'text' },
  { name: 'applied', label: '申请时间', kind: 'period' },
  { name: 'accepted', label: '受理时间', kind: 'period' },
  { name: 'phase', label: '办理状态', kind: 'select', options: optionsOf(choices, 'mediation_phase') },
];

export const mediationColumns = (staff: boolean): ListColumn<Mediation>[] => [
  { key: 'number', label: '调解申请编号', text: (row) => row.number, broken: true },
  ...(staff ? [{ key: 'taxpayer', label: '纳税人', text: (row: Mediation) => row.taxpayer_name }, { key: 'subject', label: '申请事项', text: (row: Mediation) => row.subject, long: true }] : []),
  { key: 'applied', label: '申请时间', text: (row) => dateTime(row.applied_at), sort: 'applied_at' },
  { key: 'expected', label: '期望沟通时间', text: (row) => dateTime(row.expected_at) },
  { key: 'accepted', label: '受理时间', text: (row) => dateTime(row.dispatched_at) },
  { key: 'agent', label: '受理人', text: (row) => row.agent_number ?? '—' },
  { key: 'phase', label: '办理状态', text: (row) => row.phase_name },
];

export const mediationFacts = (one: Mediation): [string, string | null][] => [
  ['调解申请编号', one.number],
  ['申请人', one.taxpayer_name],
  ['申请事项', one.subject],
  ['情况说明', one.detail],
  ['联系电话', one.contact],
  ['申请时间', dateTime(one.applied_at)],
  ['期望沟通时间', one.expected_at === null ? null : dateTime(one.expected_at)],
  ['受理时间', one.dispatched_at === null ? null : dateTime(one.dispatched_at)],
  ['受理人', one.agent_number],
  ['办理状态', one.phase_name],
  ['办结时间', one.done_at === null ? null : dateTime(one.done_at)],
  ['原因', one.reason],
];
