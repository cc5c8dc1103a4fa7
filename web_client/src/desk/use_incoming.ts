/** What rings at the desk and how it is answered, by the cards and by the keyboard alike. */
import { computed, type ComputedRef } from 'vue';
import type { SessionContext } from '@/composables/use_session';
import type { InteractionView, InvitationRing, OfferView } from '@/protocol/messages';
import { guestIn, type InteractionState } from '@/session/state';

export interface Incoming {
  readonly offer: ComputedRef<OfferView | null>;
  /** Interactions whose taxpayer asks for remote assistance or a call. */
  readonly asking: ComputedRef<readonly InteractionState[]>;
  /** Agents of other authorities who invite this one. */
  readonly rings: ComputedRef<readonly InvitationRing[]>;
  /** Conversations one was invited to, whose call one is not in. */
  readonly calls: ComputedRef<readonly InteractionState[]>;
  answerInvitation(id: string, accept: boolean): Promise<void>;
  joinCall(id: string): Promise<void>;
  acceptOffer(): Promise<void>;
  declineOffer(): Promise<void>;
  answerAssistance(id: string, accept: boolean): Promise<void>;
  startCall(id: string): Promise<void>;
  declineCall(id: string): Promise<void>;
  /** Answers what rings first, as the cards stand from top to bottom; false when nothing rings. */
  answerFirst(accept: boolean): Promise<boolean>;
}

const isAsking = ({ phase, assistance, call }: InteractionView): boolean =>
  phase === 'open' && (assistance.phase === 'requested' || call.phase === 'asked');

/** `choose` puts the conversation that was answered before the agent. */
export function useIncoming(session: SessionContext, choose: (interactionId: string) => void): Incoming {
  const offer = computed(() => session.state.value.desk?.offer ?? null);
  /** Of a supervised conversation its agent is asked, not the supervisor. */
  const isOwn = ({ members }: InteractionView): boolean => members.every((one) => one.person_id !== session.myId.value || (one.supervision === null && one.guest_of === null));
  const asking = computed(() => session.interactions.value.filter((one) => isAsking(one.view) && isOwn(one.view)));

  const incoming: Incoming = {
    offer,
    asking,
    rings: computed(() => session.state.value.rings),
    calls: computed(() =>
      session.interactions.value.filter(({ view }) => {
        const guest = guestIn(view, session.myId.value);
        return view.phase === 'open' && guest !== null && !guest.in_call && (view.call.phase === 'connecting' || view.call.phase === 'active');
      }),
    ),
    async answerInvitation(id, accept) {
      const action = accept ? 'invitation.accept' : 'invitation.decline';
      if ((await session.run(action, () => session.client.act(action, id))) && accept) choose(id);
    },
    async joinCall(id) {
      choose(id);
      await session.run('call.accept', () => session.client.acceptCall(id));
    },
    async acceptOffer() {
      const ticket = offer.value?.ticket_id;
      if (ticket === undefined) return;
      if (await session.run('offer.accept', () => session.client.request('offer.accept', { ticket_id: ticket }))) choose(ticket);
    },
    async declineOffer() {
      const ticket = offer.value?.ticket_id;
      if (ticket !== undefined) await session.run('offer.decline', () => session.client.request('offer.decline', { ticket_id: ticket }));
    },
    async answerAssistance(id, accept) {
      choose(id);
      const action = accept ? 'assistance.accept' : 'assistance.decline';
      await session.run(action, () => session.client.act(action, id));
    },
    async startCall(id) {
      choose(id);
      await session.run('call.start', () => session.client.startCall(id));
    },
    async declineCall(id) {
      choose(id);
      await session.run('call.decline', () => session.client.act('call.decline', id));
    },
    async answerFirst(accept) {
      const first = asking.value[0]?.view;
      if (offer.value !== null) await (accept ? incoming.acceptOffer() : incoming.declineOffer());
      else if (incoming.rings.value[0] !== undefined) await incoming.answerInvitation(incoming.rings.value[0].interaction_id, accept);
      else if (first === undefined) return false;
      else if (first.assistance.phase === 'requested') await incoming.answerAssistance(first.interaction_id, accept);
      else await (accept ? incoming.startCall(first.interaction_id) : incoming.declineCall(first.interaction_id));
      return true;
    },
  };
  return incoming;
}
