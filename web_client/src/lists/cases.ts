/** Cases as the server gives them, to both sides. Codes have their words beside them. Times in ms since the epoch. */

export interface Attachment {
  readonly file_id: string;
  readonly name: string;
  readonly size: number;
  readonly media_type: string;
  readonly url: string;
}

export interface Appointment {
  readonly appointment_id: string;
  readonly number: string;
  readonly origin: 'taxpayer' | 'authority';
  readonly origin_name: string;
  readonly taxpayer_name: string;
  readonly centre_id: string;
  readonly centre_name: string;
  readonly service_name: string;
  readonly method: 'online' | 'telephone' | 'window';
  readonly method_name: string;
  readonly subject: string;
  readonly starts_at: number;
  readonly ends_at: number;
  readonly state: 'invited' | 'booked' | 'declined' | 'cancelled' | 'fulfilled' | 'missed';
  readonly state_name: string;
  readonly progress: 'not_started' | 'started' | 'ended';
  readonly progress_name: string;
  readonly created_at: number;
  readonly contact: string | null;
  readonly staff_number: string | null;
  readonly interaction_id: string | null;
  readonly reason: string | null;
  readonly attachments: readonly Attachment[];
}

export interface Slot {
  readonly starts_at: number;
  readonly ends_at: number;
  readonly free: number;
}

export interface Inquiry {
  readonly inquiry_id: string;
  readonly number: string;
  readonly taxpayer_name: string;
  readonly centre_name: string;
  readonly kind_name: string;
  readonly content: string;
  readonly state: 'submitted' | 'assigned' | 'answered' | 'closed';
  readonly state_name: string;
  readonly created_at: number;
  readonly agent_id: string | null;
  readonly staff_number: string | null;
  readonly answer: string | null;
  readonly decided_at: number | null;
  readonly attachments: readonly Attachment[];
  readonly answer_attachments: readonly Attachment[];
}

export interface NoticeLink {
  readonly title: string;
  readonly url: string;
}

export interface SurveyQuestion {
  readonly question: string;
  readonly options: readonly string[];
  readonly multiple: boolean;
}

export interface SurveyChoice {
  readonly options: readonly number[];
  readonly words: string;
}

export interface Delivery {
  readonly delivery_id: string;
  readonly kind: string;
  readonly kind_name: string;
  readonly title: string;
  readonly source: string;
  readonly todo: boolean;
  readonly received_at: number;
  readonly read: boolean;
  readonly favourite: boolean;
  readonly done: boolean;
  /** Of a todo: an answer or a survey; it is done with that. */
  readonly done_by_itself: boolean;
  /** Of a survey. */
  readonly answered: boolean | null;
  readonly body: string;
  readonly links: readonly NoticeLink[];
  readonly attachments: readonly Attachment[];
  readonly survey: readonly SurveyQuestion[];
  readonly answers: readonly SurveyChoice[] | null;
}

export interface PushedNotice {
  readonly notice_id: string;
  readonly kind_name: string;
  readonly title: string;
  readonly body: string;
  readonly todo: boolean;
  readonly state: 'scheduled' | 'sent' | 'withdrawn';
  readonly state_name: string;
  readonly created_at: number;
  readonly publish_at: number;
  readonly recipients: number;
  readonly staff_number: string | null;
  readonly audience: string;
  readonly links: readonly NoticeLink[];
  readonly survey: readonly SurveyQuestion[];
  readonly attachments: readonly Attachment[];
}

/** `unreached`: of a list of people, whom it does not reach. */
export interface Pushed extends PushedNotice {
  readonly unreached: readonly string[];
}

export interface WorkOrder {
  readonly work_order_id: string;
  readonly number: string;
  readonly taxpayer_name: string;
  readonly subject: string;
  readonly detail: string;
  readonly state: 'open' | 'processing' | 'done' | 'terminated';
  readonly state_name: string;
  readonly progress: string;
  readonly agent_id: string | null;
  readonly staff_number: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly urged: number;
  readonly urged_at: number | null;
  readonly ended_at: number | null;
  readonly resolved: boolean | null;
  readonly steps: readonly { readonly at: number; readonly actor: string; readonly text: string }[];
}

export interface Mediation {
  readonly application_id: string;
  readonly number: string;
  readonly taxpayer_name: string;
  readonly subject: string;
  readonly detail: string;
  readonly applied_at: number;
  readonly expected_at: number | null;
  readonly phase: 'draft' | 'applied' | 'dispatched' | 'in_progress' | 'done' | 'withdrawn' | 'refused';
  readonly phase_name: string;
  readonly reason: string | null;
  readonly contact: string | null;
  readonly meeting_id: string | null;
  readonly agent_id: string | null;
  readonly agent_number: string | null;
  readonly dispatched_at: number | null;
  readonly done_at: number | null;
}

/** What is kept of the meeting of a mediation. */
export interface MeetingRecord {
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly participants: readonly { readonly display_name: string; readonly role_name: string; readonly joined_at: number; readonly left_at: number | null }[];
  readonly notes: string;
  readonly messages: readonly { readonly sender_name: string | null; readonly text: string; readonly sent_at: number }[];
}

/** One application, with its material and the record of its meeting. */
export interface MediationCase extends Mediation {
  readonly attachments: readonly Attachment[];
  readonly meeting: MeetingRecord | null;
}

/** What was answered to a survey by everybody, without names. */
export interface SurveyResults {
  readonly title: string;
  readonly recipients: number;
  readonly answered: number;
  readonly within: number;
  readonly questions: readonly { readonly question: string; readonly multiple: boolean; readonly options: readonly string[]; readonly counts: readonly number[]; readonly words: readonly string[] }[];
}

/** As the server takes it. */
export const TELEPHONE = /^[0-9+][0-9 -]{5,24}$/;

export const slotText = ({ starts_at, ends_at }: { starts_at: number; ends_at: number }): string => {
  const clock = (at: number): string => new Date(at).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false });
  const date = new Date(starts_at);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')} ${clock(starts_at)}-${clock(ends_at)}`;
};
