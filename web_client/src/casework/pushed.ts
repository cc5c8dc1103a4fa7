/** How a push went, in words: whom it reached, and whom of a list it did not. */
import type { Pushed } from '@/lists/cases';
import { dateTime } from '@/lists/spec';

const NAMED = 5;

export function pushedWord(made: Pick<Pushed, 'state' | 'publish_at' | 'recipients' | 'unreached'>): { text: string; bad: boolean } {
  const { unreached } = made;
  const missed =
    unreached.length === 0
      ? ''
      : `名单中 ${unreached.length} 个账号未使用过本服务或不在推送范围内，不会收到：${unreached.slice(0, NAMED).join('、')}${unreached.length > NAMED ? ' 等' : ''}。请核对账号。`;
  if (made.state === 'scheduled') return { text: `消息将于 ${dateTime(made.publish_at)} 推送。${missed}`, bad: missed !== '' };
  if (made.recipients === 0) return { text: `没有符合推送范围的纳税人，消息未送达任何人。请撤回后调整范围，重新推送。${missed}`, bad: true };
  return { text: `消息已推送给 ${made.recipients} 人。${missed}`, bad: missed !== '' };
}
