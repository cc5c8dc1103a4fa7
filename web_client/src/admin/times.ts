/** Between minutes after midnight and what a time field shows. Midnight at the end of a day is 24:00, shown as 23:59. */
const DAY_MINUTES = 24 * 60;

export function toClock(minute: number): string {
  const shown = Math.min(minute, DAY_MINUTES - 1);
  return `${String(Math.floor(shown / 60)).padStart(2, '0')}:${String(shown % 60).padStart(2, '0')}`;
}

/** `end`: 23:59 means until midnight. null for an empty field. */
export function fromClock(text: string, end: boolean): number | null {
  const found = /^(\d{2}):(\d{2})$/.exec(text);
  if (found === null) return null;
  const minute = Number(found[1]) * 60 + Number(found[2]);
  return end && minute === DAY_MINUTES - 1 ? DAY_MINUTES : minute;
}

export const WEEKDAYS = ['周一', '周二', '周三', '周四', '周五', '周六', '周日'] as const;
