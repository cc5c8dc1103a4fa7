/** Telling others why something cannot be captured. */
import type { DeviceProblem } from '@/protocol/messages';
import type { LinkSignaling } from './link';

export interface ProblemReports {
  screen(problem: DeviceProblem): Promise<void>;
  /** Null takes an earlier report back. */
  microphone(problem: DeviceProblem | null): Promise<void>;
}

/** In an interaction both are part of what runs (R5). */
export function interactionProblems(interactionId: string, signaling: LinkSignaling): ProblemReports {
  return {
    async screen(problem) {
      await signaling.request('assistance.problem', { interaction_id: interactionId, problem });
    },
    async microphone(problem) {
      await signaling.request('call.problem', { interaction_id: interactionId, problem });
    },
  };
}
