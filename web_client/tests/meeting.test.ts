import { describe, expect, it } from 'vitest';
import { arrange, columnsFor, type Wish } from '@/meeting/arrange';
import type { MeetingMemberView, MeetingView, MessageView } from '@/protocol/messages';
import { planMeeting } from '@/session/meeting_plan';
import { hasChatGap, INITIAL_MEETING_STATE, putEntered, putPending, reduceMeeting, type MeetingState } from '@/session/meeting_state';

function member(person_id: string, part: Partial<MeetingMemberView> = {}): MeetingMemberView {
  return {
    person_id,
    role: person_id.startsWith('agent') ? 'agent' : 'taxpayer',
    display_name: person_id,
    meeting_role: 'participant',
    presence: 'online',
    media: [],
    muted: [],
    held: [],
    media_connected: true,
    quality: null,
    hand_raised_at: null,
    joined_at: 1,
    stream: null,
    ...part,
  };
}

function view(part: Partial<MeetingView> = {}): MeetingView {
  return {
    meeting_id: 'm',
    place: 'room',
    phase: 'running',
    application_number: null,
    subject: null,
    authority: null,
    agent_id: 'agent01',
    host_id: 'agent01',
    locked: false,
    sharer_id: null,
    members: [member('agent01', { meeting_role: 'host' }), member('me')],
    started_at: 1,
    ended_at: null,
    end_reason: null,
    ...part,
  };
}

const message = (seq: number, part: Partial<MessageView> = {}): MessageView => ({
  seq,
  kind: 'text',
  client_message_id: null,
  sender_id: 'agent01',
  sender_role: 'agent',
  sender_name: '101',
  text: `第${seq}句`,
  file: null,
  card: null,
  sent_at: seq,
  ...part,
});

const inRoom = (part: Partial<MeetingState> = {}): MeetingState => ({
  ...INITIAL_MEETING_STATE,
  me: { person_id: 'me', role: 'taxpayer', display_name: '张*', authority: null, region: null },
  meeting: view(),
  ...part,
});

describe('what media a member needs', () => {
  it('nothing before one is in, and nothing to send as an observer', () => {
    expect(planMeeting(null, 'me').subscribe).toBe(false);
    expect(planMeeting(view({ place: 'lobby' }), 'me').publish).toBe(false);
    expect(planMeeting(view({ phase: 'ended' }), 'me').subscribe).toBe(false);
    const observer = planMeeting(view({ members: [member('me', { meeting_role: 'observer' })] }), 'me');
    expect([observer.subscribe, observer.publish, observer.sources.size]).toEqual([true, false, 0]);
  });

  it('the screen belongs to who shares', () => {
    expect([...planMeeting(view(), 'me').sources]).toEqual(['microphone', 'camera']);
    expect(planMeeting(view({ sharer_id: 'me' }), 'me').sources.has('screen')).toBe(true);
    expect(planMeeting(view({ sharer_id: 'agent01' }), 'me').sources.has('screen')).toBe(false);
  });
});

describe('what is known', () => {
  it('members come, change in place and go', () => {
    const come = reduceMeeting(inRoom(), { event: 'meeting.member', value: { meeting_id: 'm', member: member('p3') } });
    expect(come.meeting?.members.map((one) => one.person_id)).toEqual(['agent01', 'me', 'p3']);
    const changed = reduceMeeting(come, { event: 'meeting.member', value: { meeting_id: 'm', member: member('me', { muted: ['microphone'] }) } });
    expect(changed.meeting?.members[1]?.muted).toEqual(['microphone']);
    const gone = reduceMeeting(changed, { event: 'meeting.member', value: { meeting_id: 'm', member: member('agent01', { presence: 'left' }) } });
    expect(gone.meeting?.members.map((one) => one.person_id)).toEqual(['me', 'p3']);
  });

  it('a text that was sent is there once, whatever comes first', () => {
    const pending = putPending(inRoom(), { clientMessageId: 'c1', text: '您好', failed: false });
    const posted = reduceMeeting(pending, { event: 'message.posted', value: { interaction_id: 'm', message: message(1, { client_message_id: 'c1' }) } });
    expect([posted.pending.length, posted.messages.length]).toEqual([0, 1]);
    const again = putEntered(posted, { meeting: view(), messages: [message(1, { client_message_id: 'c1' }), message(2)], last_seq: 2, waiting: [], media_epoch: 1 });
    expect(again.messages.map((one) => one.seq)).toEqual([1, 2]);
    expect(hasChatGap(again, message(3))).toBe(false);
    expect(hasChatGap(again, message(4))).toBe(true);
  });

  it('who spoke last stays before the eyes in a pause, and is never oneself', () => {
    const spoke = reduceMeeting(inRoom(), { event: 'media.speakers', value: { interaction_id: 'm', person_ids: ['me', 'agent01'] } });
    expect(spoke.lastSpeaker).toBe('agent01');
    const quiet = reduceMeeting(spoke, { event: 'media.speakers', value: { interaction_id: 'm', person_ids: [] } });
    expect([quiet.lastSpeaker, quiet.speakers.length]).toEqual(['agent01', 0]);
  });
});

describe('who is shown where', () => {
  const people = Array.from({ length: 20 }, (_, index) => member(`p${String(index).padStart(2, '0')}`, { joined_at: index }));
  const wish = (part: Partial<Wish> = {}): Wish => ({
    members: people,
    myId: 'p19',
    screenOf: null,
    pinnedId: null,
    speakerId: null,
    hostId: 'p00',
    layout: 'grid',
    page: 0,
    gridSize: 16,
    stripSize: 4,
    ...part,
  });

  it('a grid has pages, oneself first, and everybody is on exactly one of them', () => {
    const first = arrange(wish());
    expect([first.main, first.pages, first.tiles.length, first.tiles[0]?.personId]).toEqual([null, 2, 16, 'p19']);
    const second = arrange(wish({ page: 1 }));
    const shown = [...first.tiles, ...second.tiles].map((one) => one.personId);
    expect([...new Set(shown)].length).toBe(20);
    expect(arrange(wish({ page: 9 })).page).toBe(1);
  });

  it('a screen comes first, then who is pinned, then who speaks, then the host', () => {
    expect(arrange(wish({ screenOf: 'p03', pinnedId: 'p04', layout: 'speaker' })).main).toEqual({ personId: 'p03', source: 'screen' });
    expect(arrange(wish({ screenOf: 'p03', pinnedId: 'p04' })).tiles[0]?.personId).toBe('p04');
    expect(arrange(wish({ pinnedId: 'p04', speakerId: 'p05', layout: 'speaker' })).main?.personId).toBe('p04');
    expect(arrange(wish({ speakerId: 'p05', layout: 'speaker' })).main?.personId).toBe('p05');
    expect(arrange(wish({ speakerId: 'p19', layout: 'speaker' })).main?.personId).toBe('p00');
    expect(arrange(wish({ pinnedId: 'gone' })).main).toBeNull();
  });

  it('nobody is shown twice, and observers are not shown', () => {
    const observed = people.map((one, index) => (index < 5 ? { ...one, meeting_role: 'observer' as const } : one));
    const shown = arrange(wish({ members: observed, speakerId: 'p07', layout: 'speaker', stripSize: 50 }));
    const ids = [shown.main?.personId, ...shown.tiles.map((one) => one.personId)];
    expect(ids.length).toBe(15);
    expect(new Set(ids).size).toBe(15);
    expect(ids).not.toContain('p00');
  });

  it('columns make the tiles as large as can be', () => {
    expect(columnsFor(1, 1366, 660)).toBe(1);
    expect(columnsFor(6, 1366, 660)).toBe(3);
    expect(columnsFor(16, 1366, 660)).toBe(4);
    expect(columnsFor(2, 390, 740)).toBe(1);
  });
});
