/** The organisation as its administrator sees and changes it: `GET/PUT/DELETE /api/organisation…`. */
import type { ServiceHttp } from '@/rest/http';

/** Minutes after midnight of the centre's time zone. */
export interface Shift {
  start: number;
  end: number;
}

export interface Day {
  /** Monday is 0. */
  weekday: number;
  shifts: Shift[];
}

export interface Holiday {
  day: string;
  name: string;
  /** Empty: closed that day. */
  shifts: Shift[];
}

export interface CentreSettings {
  wait_timeout_ms: number;
  offer_ring_ms: number;
  grace_ms: number;
  decline_pause_ms: number;
  after_work_ms: number;
  max_passed_over: number;
  greeting: string;
  blocked_file_types: string[];
  default_capacity: number;
}

export interface Centre {
  centre_id: string;
  name: string;
  time_zone: string;
  authorities: string[];
  week: Day[];
  holidays: Holiday[];
  settings: CentreSettings;
  open_now: boolean;
}

export type StaffRole = 'agent' | 'supervisor' | 'editor' | 'administrator';

export interface Staff {
  person_id: string;
  staff_number: string;
  role: StaffRole;
  authority: string;
  centres: string[];
  skills: string[];
  /** null: as the centre has it. */
  capacity: number | null;
}

export interface Authority {
  readonly code: string;
  readonly name: string;
  readonly short_name: string;
  readonly parent: string | null;
}

export interface Skill {
  readonly code: string;
  readonly name: string;
}

/** 小结类别; `centre_id` null: for all centres. */
export interface WrapUpCodeRow {
  code: string;
  centre_id: string | null;
  name: string;
  sort_order: number;
  active: boolean;
}

export interface Organisation {
  readonly authorities: readonly Authority[];
  readonly centres: readonly Centre[];
  readonly staff: readonly Staff[];
  readonly skills: readonly Skill[];
}

export interface AuditAction {
  readonly action: string;
  readonly name: string;
  readonly kind: string;
  readonly kind_name: string;
}

export interface AuditItem {
  readonly entry_id: string;
  readonly at: number;
  readonly actor_id: string;
  /** null: not of the staff. */
  readonly staff_number: string | null;
  readonly action_name: string;
  readonly kind_name: string;
  readonly subject: string | null;
  readonly origin: string | null;
  readonly detail: string | null;
}

const ROOT = '/api/organisation';

/** Every change answers with the whole as it is then. All reject with `RequestError`. */
export class Administration {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  read(): Promise<Organisation> {
    return this.#http.send(ROOT);
  }

  saveCentre(centre: Centre): Promise<Organisation> {
    const { name, time_zone, authorities, week, holidays, settings } = centre;
    const body = { name, time_zone, authorities, week, holidays, settings };
    return this.#http.send(`${ROOT}/centres/${encodeURIComponent(centre.centre_id)}`, { method: 'PUT', body });
  }

  removeCentre(centreId: string): Promise<Organisation> {
    return this.#http.send(`${ROOT}/centres/${encodeURIComponent(centreId)}`, { method: 'DELETE' });
  }

  saveStaff({ person_id, ...body }: Staff): Promise<Organisation> {
    return this.#http.send(`${ROOT}/staff/${encodeURIComponent(person_id)}`, { method: 'PUT', body });
  }

  removeStaff(personId: string): Promise<Organisation> {
    return this.#http.send(`${ROOT}/staff/${encodeURIComponent(personId)}`, { method: 'DELETE' });
  }

  saveAuthority({ code, ...body }: Authority): Promise<Organisation> {
    return this.#http.send(`${ROOT}/authorities/${encodeURIComponent(code)}`, { method: 'PUT', body });
  }

  saveSkill({ code, name }: Skill): Promise<Organisation> {
    return this.#http.send(`${ROOT}/skills/${encodeURIComponent(code)}`, { method: 'PUT', body: { name } });
  }

  async wrapUpCodes(): Promise<readonly WrapUpCodeRow[]> {
    return (await this.#http.send<{ codes: WrapUpCodeRow[] }>('/api/wrap-up-codes')).codes;
  }

  saveWrapUpCode({ code, ...body }: WrapUpCodeRow): Promise<WrapUpCodeRow> {
    return this.#http.send(`/api/wrap-up-codes/${encodeURIComponent(code)}`, { method: 'PUT', body });
  }
}
