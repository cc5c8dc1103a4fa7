/** Addresses of files, asked for when they are shown; each is good for some minutes and kept for less. */
import type { Records } from '@/rest/records';

const KEPT_MS = 60_000;
const known = new Map<string, { readonly at: number; readonly link: Promise<string> }>();

export function fileLink(records: Records, fileId: string): Promise<string> {
  const kept = known.get(fileId);
  if (kept !== undefined && Date.now() - kept.at < KEPT_MS) return kept.link;
  const link = records.link(fileId);
  known.set(fileId, { at: Date.now(), link });
  link.catch(() => known.delete(fileId));
  return link;
}
