/** How appointments are listed on both sides. */
import { slotText, type Appointment } from './cases';
import { dateTime, optionsOf, optionsOfCodes, type Choices, type Filter, type ListColumn } from './spec';

export const appointmentFilters = (choices: Choices): Filter[] => [
  { name: 'number', label: '预约编号', kind: 'text' },
  { name: 'starts', label: '预约时间', kind: 'period' },
  { name: 'service', label: '预约服务类型', kind: 'select', options: optionsOfCodes(choices.services) },
  { name: 'method', label: '互动方式', kind: 'select', options: optionsOf(choices, 'appointment_method') },
  { name: 'subject', label: '预约事项说明', kind: 'text' },
  { name: 'state', label: '预约状态', kind: 'select', options: optionsOf(choices, 'appointment_state') },
  { name: 'progress', label: '互动状态', kind: 'select', options: optionsOf(choices, 'appointment_progress') },
];

export const appointmentColumns = (staff: boolean): ListColumn<Appointment>[] => [
  { key: 'number', label: '预约编号', text: (row) => row.number, broken: true },
  staff ? { key: 'taxpayer', label: '纳税人', text: (row) => row.taxpayer_name } : { key: 'centre', label: '预约服务单位', text: (row) => row.centre_name, broken: true },
  { key: 'time', label: '预约服务时间', text: slotText, sort: 'starts_at', broken: true },
  { key: 'service', label: '预约服务类型', text: (row) => row.service_name },
  { key: 'method', label: '预约互动方式', text: (row) => row.method_name },
  { key: 'subject', label: '预约事项说明', text: (row) => row.subject, long: true },
  { key: 'state', label: '预约状态', text: (row) => row.state_name },
  { key: 'progress', label: '互动状态', text: (row) => row.progress_name },
];

export const appointmentFacts = (one: Appointment): [string, string | null][] => [
  ['预约编号', one.number],
  ['预约服务单位', one.centre_name],
  ['纳税人', one.taxpayer_name],
  ['预约服务时间', slotText(one)],
  ['预约服务类型', one.service_name],
  ['预约互动方式', one.method_name],
  ['联系电话', one.contact],
  ['预约事项说明', one.subject],
  ['预约来源', one.origin_name],
  ['预约状态', one.state_name],
  ['互动状态', one.progress_name],
  ['税务人员', one.staff_number],
  ['原因', one.reason],
  ['申请时间', dateTime(one.created_at)],
];
