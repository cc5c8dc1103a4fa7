/** Who is shown where. Pure. */
import type { MeetingMemberView } from '@/protocol/messages';

export type Layout = 'grid' | 'speaker';

export interface Place {
  readonly personId: string;
  readonly source: 'camera' | 'screen';
}

export interface Wish {
  readonly members: readonly MeetingMemberView[];
  readonly myId: string;
  /** Whose screen there is to be seen. */
  readonly screenOf: string | null;
  readonly pinnedId: string | null;
  readonly speakerId: string | null;
  readonly hostId: string | null;
  readonly layout: Layout;
  readonly page: number;
  /** Tiles on a page of the grid, and in the strip beside a large picture. */
  readonly gridSize: number;
  readonly stripSize: number;
}

/** Tiles at once: the server offers so many places, and one for a large picture (`meeting_video_slots`). */
export const MOST_TILES = 16;

export interface Arrangement {
  /** Null in a plain grid. */
  readonly main: Place | null;
  readonly tiles: readonly Place[];
  readonly page: number;
  readonly pages: number;
}

const camera = (personId: string): Place => ({ personId, source: 'camera' });

/** A shared screen comes first, then who was pinned, then who speaks. Observers are not seen. */
export function arrange(wish: Wish): Arrangement {
  const { myId, pinnedId } = wish;
  const rank = (one: MeetingMemberView): number => (one.person_id === pinnedId ? 0 : one.person_id === myId ? 1 : 2);
  const people = wish.members
    .filter((one) => one.meeting_role !== 'observer')
    .sort((a, b) => rank(a) - rank(b) || a.joined_at - b.joined_at || a.person_id.localeCompare(b.person_id))
    .map((one) => one.person_id);
  const main = mainPlace(wish, people);
  const rest = people.filter((one) => main?.source !== 'camera' || one !== main.personId);
  const size = Math.min(MOST_TILES, Math.max(1, main === null ? wish.gridSize : wish.stripSize));
  const pages = Math.max(1, Math.ceil(rest.length / size));
  const page = Math.min(Math.max(0, wish.page), pages - 1);
  return { main, tiles: rest.slice(page * size, (page + 1) * size).map(camera), page, pages };
}

function mainPlace(wish: Wish, people: readonly string[]): Place | null {
  if (wish.screenOf !== null) return { personId: wish.screenOf, source: 'screen' };
  if (wish.pinnedId !== null && people.includes(wish.pinnedId)) return camera(wish.pinnedId);
  if (wish.layout === 'grid') return null;
  const others = people.filter((one) => one !== wish.myId);
  const chosen = [wish.speakerId, wish.hostId].find((one) => one !== null && others.includes(one)) ?? others[0];
  return chosen === undefined ? null : camera(chosen);
}

/** Columns that make the tiles largest in a place of this shape. */
export function columnsFor(count: number, width: number, height: number, ratio = 16 / 9): number {
  let best = 1;
  let bestWidth = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = Math.min(width / columns, (height / rows) * ratio);
    if (tile > bestWidth + 0.5) {
      best = columns;
      bestWidth = tile;
    }
  }
  return best;
}
