import type { SupervisionMode } from '@/protocol/messages';

export const SUPERVISION_LABELS: Readonly<Record<SupervisionMode, string>> = { listen: '监听', whisper: '耳语', barge: '加入' };
