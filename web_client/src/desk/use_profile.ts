import { shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import type { SessionContext } from '@/composables/use_session';
import type { ProfileView } from '@/protocol/messages';

/** The masked profile of the taxpayer of the interaction shown; null until it is known. What fails is asked again with the next. */
export function useProfile(session: SessionContext, interactionId: ComputedRef<string | null>): ShallowRef<ProfileView | null> {
  const profile = shallowRef<ProfileView | null>(null);
  watch(
    interactionId,
    async (id) => {
      profile.value = null;
      if (id === null) return;
      const answer = await session.client.request('interaction.profile', { interaction_id: id }).catch(() => null);
      if (interactionId.value === id) profile.value = answer?.profile ?? null;
    },
    { immediate: true },
  );
  return profile;
}
