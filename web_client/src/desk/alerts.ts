/** Desktop notifications while the desk is not before the agent's eyes. They say what, never who. */
export type AlertPermission = 'unsupported' | 'ask' | 'on' | 'refused';

export function alertPermission(): AlertPermission {
  if (typeof Notification === 'undefined' || !window.isSecureContext) return 'unsupported';
  return Notification.permission === 'granted' ? 'on' : Notification.permission === 'denied' ? 'refused' : 'ask';
}

export async function askAlerts(): Promise<AlertPermission> {
  await Notification.requestPermission();
  return alertPermission();
}

/** A later one with the same `tag` takes the place of the earlier. */
export function alertPerson(sentence: string, tag: string): void {
  if (!document.hidden || alertPermission() !== 'on') return;
  try {
    const shown = new Notification('征纳互动工作台', { body: sentence, tag });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Phones know the interface but want a service worker: the title and the ring remain.
  }
}
