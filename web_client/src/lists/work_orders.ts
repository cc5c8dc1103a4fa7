/** How work orders are listed on both sides. */
import type { WorkOrder } from './cases';
import { dateTime, optionsOf, type Choices, type Filter, type ListColumn } from './spec';

export const workOrderFilters = (choices: Choices): Filter[] => [
  { name: 'number', label: '工单编号', kind: 'text' },
  { name: 'subject', label: '工单主题', kind: 'text' },
  { name: 'state', label: '工单状态', kind: 'select', options: optionsOf(choices, 'work_order_state') },
  { name: 'created', label: '创建时间', kind: 'period' },
];

export const workOrderColumns = (staff: boolean): ListColumn<WorkOrder>[] => [
  { key: 'number', label: '工单编号', text: (row) => row.number, broken: true },
  ...(staff ? [{ key: 'taxpayer', label: '纳税人', text: (row: WorkOrder) => row.taxpayer_name }] : []),
  { key: 'subject', label: '工单主题', text: (row) => row.subject, long: true },
  { key: 'state', label: '工单状态', text: (row) => row.state_name },
  { key: 'progress', label: '办理进度', text: (row) => row.progress, long: true },
  ...(staff ? [{ key: 'agent', label: '税务人员', text: (row: WorkOrder) => row.staff_number ?? '—' }, { key: 'urged', label: '催办', text: (row: WorkOrder) => (row.urged > 0 ? `${row.urged} 次` : '—') }] : []),
  { key: 'created', label: '创建时间', text: (row) => dateTime(row.created_at), sort: 'created_at' },
];

export const workOrderFacts = (one: WorkOrder): [string, string | null][] => [
  ['工单编号', one.number],
  ['纳税人', one.taxpayer_name],
  ['工单主题', one.subject],
  ['事项详情', one.detail],
  ['工单状态', one.state_name],
  ['税务人员', one.staff_number],
  ['创建时间', dateTime(one.created_at)],
  ['办结时间', one.ended_at === null ? null : dateTime(one.ended_at)],
  ['催办次数', one.urged > 0 ? String(one.urged) : null],
  ['服务评价', one.resolved === null ? null : one.resolved ? '已解决' : '未解决'],
];
