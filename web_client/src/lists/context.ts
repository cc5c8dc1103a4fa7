/** What every pane of the centre and of its staff side works with. */
import type { Account } from '@/rest/account';
import type { ServiceHttp } from '@/rest/http';
import type { Choices } from './spec';
import type { Live } from './use_live';

export interface CaseContext {
  readonly account: Account;
  readonly http: ServiceHttp;
  readonly choices: Choices;
  readonly live: Live;
}
