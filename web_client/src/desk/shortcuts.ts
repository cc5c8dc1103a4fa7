/**
 * The desk's keyboard, in one table: what is listened to is what is shown. With Alt, so that no letter is taken from
 * whoever writes (WCAG 2.2 §2.1.4); by the place of the key, so that input methods and layouts do not matter.
 */
export type ShortcutAction =
  | 'accept'
  | 'decline'
  | 'next'
  | 'previous'
  | 'unread'
  | 'write'
  | 'canned'
  | 'call'
  | 'transfer'
  | 'close'
  | 'wrap_up'
  | 'help';

export interface Shortcut {
  readonly action: ShortcutAction;
  /** `KeyboardEvent.code`. */
  readonly code: string;
  readonly keys: string;
  readonly label: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { action: 'accept', code: 'KeyA', keys: 'Alt + A', label: '接受来访、远程协助或音视频申请' },
  { action: 'decline', code: 'KeyX', keys: 'Alt + X', label: '拒绝' },
  { action: 'next', code: 'ArrowDown', keys: 'Alt + ↓', label: '下一个会话' },
  { action: 'previous', code: 'ArrowUp', keys: 'Alt + ↑', label: '上一个会话' },
  { action: 'unread', code: 'KeyU', keys: 'Alt + U', label: '下一个有未读消息的会话' },
  { action: 'write', code: 'KeyI', keys: 'Alt + I', label: '回到输入框' },
  { action: 'canned', code: 'KeyC', keys: 'Alt + C', label: '常用语（输入框为空时也可按 /）' },
  { action: 'call', code: 'KeyV', keys: 'Alt + V', label: '发起音视频' },
  { action: 'transfer', code: 'KeyT', keys: 'Alt + T', label: '转接' },
  { action: 'close', code: 'KeyQ', keys: 'Alt + Q', label: '结束会话' },
  { action: 'wrap_up', code: 'KeyW', keys: 'Alt + W', label: '填写会话小结' },
  { action: 'help', code: 'KeyK', keys: 'Alt + K', label: '查看快捷键' },
];

export function shortcutOf(event: Pick<KeyboardEvent, 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'code'>): ShortcutAction | null {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return null;
  return SHORTCUTS.find((one) => one.code === event.code)?.action ?? null;
}

export const keysOf = (action: ShortcutAction): string => SHORTCUTS.find((one) => one.action === action)?.keys ?? '';
