const two = (value: number): string => String(value).padStart(2, '0');

/** HH:MM:SS of a moment, in the person's own time. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** 02:05 or 1:02:05. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const hours = Math.floor(seconds / 3_600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

export function secondsLeft(deadline: number | null, now: number): number {
  return deadline === null ? 0 : Math.max(0, Math.ceil((deadline - now) / 1_000));
}

/** 11-21 09:05:07 when it was not today. */
export function dayTime(at: number, now: number): string {
  const date = new Date(at);
  const today = date.toDateString() === new Date(now).toDateString();
  return today ? clockTime(at) : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
}

export function fileSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_024 * 1_024) return `${Math.round(bytes / 1_024)} KB`;
  return `${(bytes / 1_024 / 1_024).toFixed(1)} MB`;
}

/** A taxpayer by the masked name, staff by their number, a device by the name of its link. */
export function shownName(one: { role: string; display_name: string; stream?: 'publish' | 'view' | null }): string {
  if (one.stream === 'publish' || one.stream === 'view') return `${one.stream === 'publish' ? '推流' : '观看端'} ${one.display_name}`;
  return one.role === 'taxpayer' ? one.display_name : `税务人员 ${one.display_name}`;
}
