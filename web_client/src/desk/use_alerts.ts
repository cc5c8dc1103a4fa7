/** What calls the agent back when the desk is not before their eyes: title, sound, desktop notification. */
import { computed, ref, watch, type ComputedRef, type Ref } from 'vue';
import { useRing } from '@/composables/use_ring';
import type { SessionContext } from '@/composables/use_session';
import { chime } from '@/session/ring_tone';
import { unreadCount } from '@/session/state';
import { alertPermission, alertPerson, askAlerts, type AlertPermission } from './alerts';
import type { Incoming } from './use_incoming';

const TITLE = '征纳互动工作台';

export interface Alerts {
  readonly permission: Ref<AlertPermission>;
  readonly ringSound: Ref<boolean>;
  readonly unread: ComputedRef<number>;
  allow(): Promise<void>;
  toggleSound(): void;
}

/** `shown`: the conversation before the agent's eyes; its messages make no sound while the page is looked at. */
export function useAlerts(session: SessionContext, { offer, asking, rings, calls }: Incoming, shown: Ref<string | null>): Alerts {
  const { client } = session;
  const permission = ref(alertPermission());
  const ringSound = ref(client.preferences.ringSound);
  const unread = computed(() => session.interactions.value.reduce((sum, one) => sum + unreadCount(one, session.myId.value), 0));

  useRing(
    computed(() => asking.value.length > 0 || offer.value !== null || rings.value.length > 0 || calls.value.length > 0),
    ringSound,
  );
  watch(
    () => offer.value?.ticket_id,
    (id) => {
      if (id !== undefined) alertPerson(offer.value?.transfer ? '有会话转接给您' : '有纳税人请求人工服务', 'offer');
    },
  );
  watch(
    () => rings.value.at(-1)?.invitation_id,
    (id) => {
      if (id !== undefined) alertPerson('有税务人员邀请您协同办理', 'invitation');
    },
  );
  const elsewhere = computed(() =>
    session.interactions.value.filter((one) => one.view.interaction_id !== shown.value).reduce((sum, one) => sum + unreadCount(one, session.myId.value), 0),
  );
  watch(unread, (count, before) => {
    if (count > before) alertPerson(`有 ${count} 条未读消息`, 'unread');
  });
  watch([unread, elsewhere], ([all, others], [allBefore, othersBefore]) => {
    if (ringSound.value && (others > othersBefore || (document.hidden && all > allBefore))) chime();
  });
  watch(
    () => asking.value.length,
    (count, before) => {
      if (count > before) alertPerson('纳税人申请远程协助或音视频', 'asking');
    },
  );
  watch([asking, unread, offer, rings], () => {
    const waiting = asking.value.length + rings.value.length + unread.value + (offer.value === null ? 0 : 1);
    document.title = waiting > 0 ? `（${waiting}）${TITLE}` : TITLE;
  });

  return {
    permission,
    ringSound,
    unread,
    async allow() {
      permission.value = await askAlerts();
    },
    toggleSound() {
      ringSound.value = !ringSound.value;
      client.preferences.ringSound = ringSound.value;
    },
  };
}
