import { describe, expect, it } from 'vitest';
import {
  assistanceEnded,
  assistanceProblem,
  callEnded,
  closedNotice,
  failureNotice,
  otherDeviceProblem,
  ownCameraProblem,
  ownDeviceNotice,
  WAY_OUT_LABELS,
  type Notice,
  type Side,
} from '@/messages';
import type { DeviceProblem, EndReason } from '@/protocol/messages';
import { RequestError } from '@/signaling/errors';
import { interaction } from './samples';

const SIDES: readonly Side[] = ['taxpayer', 'agent'];
const REASONS: readonly EndReason[] = ['hung_up', 'cancelled', 'declined', 'ring_timeout', 'member_left', 'network_lost', 'interaction_closed', 'server_stopping'];
const PROBLEMS: readonly DeviceProblem[] = ['permission_denied', 'picker_cancelled', 'device_missing', 'device_busy', 'capture_ended', 'unsupported'];
const base = interaction();

function isComplete(notice: Notice | null): void {
  expect(notice?.title).toMatch(/[\u4e00-\u9fff]/);
  for (const way of notice?.ways ?? []) expect(WAY_OUT_LABELS[way]).toMatch(/[\u4e00-\u9fff]/);
}

describe.each(SIDES)('every end as the %s reads it', (side) => {
  const assistance = REASONS.map((end_reason) => assistanceEnded(side, { ...base.assistance, phase: 'ended', end_reason, ended_by: 'other' }, 'me'));
  const calls = REASONS.map((end_reason) => callEnded(side, { ...base.call, phase: 'ended', end_reason, ended_by: 'other' }, 'me'));

  it('has a sentence and a way out', () => {
    for (const notice of [...assistance, ...calls]) {
      isComplete(notice);
      expect(notice?.ways.length).toBeGreaterThan(0);
    }
  });

  it('has a sentence of its own', () => {
    expect(new Set(assistance.map((notice) => notice?.title)).size).toBe(REASONS.length);
    expect(new Set(calls.map((notice) => notice?.title)).size).toBe(REASONS.length);
  });

  it('is not told to who did it', () => {
    for (const end_reason of ['hung_up', 'cancelled', 'declined'] as const) {
      expect(assistanceEnded(side, { ...base.assistance, phase: 'ended', end_reason, ended_by: 'me' }, 'me')).toBeNull();
      expect(callEnded(side, { ...base.call, phase: 'ended', end_reason, ended_by: 'me' }, 'me')).toBeNull();
    }
  });
});

describe('every device problem', () => {
  it.each(PROBLEMS)('%s has its sentence on both sides, and a way on for the taxpayer', (problem) => {
    for (const side of SIDES) isComplete(assistanceProblem(side, { ...base.assistance, phase: 'accepted', problem }));
    expect(assistanceProblem('taxpayer', { ...base.assistance, phase: 'accepted', problem })?.ways).not.toHaveLength(0);
    isComplete(ownDeviceNotice(problem));
    expect(ownDeviceNotice(problem).ways).not.toHaveLength(0);
    expect(ownCameraProblem(problem)).not.toBe('');
    expect(otherDeviceProblem(problem)).not.toBe('');
  });

  it('is over once something is shared', () => {
    expect(assistanceProblem('taxpayer', { ...base.assistance, phase: 'sharing', problem: 'capture_ended' })).toBeNull();
  });
});

describe('refused requests', () => {
  it('show the server’s sentence', () => {
    const sentence = '您暂时无法主动向坐席人员发起音视频互动，仅能由坐席人员向您发起音视频互动。';
    const notice = failureNotice(new RequestError('call_start_not_allowed', sentence), 'taxpayer');
    expect(notice.title).toBe(sentence);
    expect(notice.ways).toContain('ask_call');
  });

  it('offer other agents to the taxpayer when one is busy, and to nobody else', () => {
    const busy = new RequestError('agent_busy', '税务人员正忙，请稍后再试。');
    expect(failureNotice(busy, 'taxpayer').ways).toContain('list_agents');
    expect(failureNotice(busy, 'agent').ways).not.toContain('list_agents');
  });

  it('have a sentence also when no server answered', () => {
    isComplete(failureNotice(new RequestError('offline'), 'taxpayer'));
    isComplete(failureNotice(new RequestError('timeout'), 'agent'));
    isComplete(failureNotice(new TypeError('x'), 'agent'));
  });
});

describe('a closed session', () => {
  it('is taken back here, renewed, or begun again', () => {
    const closed = (code: 'signed_in_elsewhere' | 'version_unsupported' | 'token_expired') => closedNotice({ code, message: '说明', retry_after_ms: null }).ways;
    expect(closed('signed_in_elsewhere')).toEqual(['continue_here']);
    expect(closed('version_unsupported')).toEqual(['reload']);
    expect(closed('token_expired')).toEqual(['sign_in']);
  });
});
