import type { StaffRole } from './api';

export const ROLE_NAMES: Readonly<Record<StaffRole, string>> = {
  agent: '坐席',
  supervisor: '班长',
  editor: '知识维护',
  administrator: '系统管理员',
};
