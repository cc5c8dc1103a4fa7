/** The session of our own pages: a cookie no script can read, and the token it stands for. */
import type { PersonView } from '@/protocol/messages';
import { readWireError, RequestError } from '@/signaling/errors';

export interface Account {
  readonly token: string;
  readonly person: PersonView;
}

/** Rejects with `RequestError`; `token_*` codes mean that one is not signed in. */
export async function readAccount(): Promise<Account> {
  let response: Response;
  try {
    response = await fetch('/api/session', { headers: { Accept: 'application/json' }, cache: 'no-store' });
  } catch {
    throw new RequestError('offline');
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as Account;
  const error = readWireError((body as { error?: unknown } | null)?.error ?? body);
  if (error !== null) throw RequestError.fromWire(error);
  throw new RequestError(response.status === 401 ? 'token_missing' : 'internal_error');
}

export async function signOut(): Promise<void> {
  await fetch('/api/session', { method: 'DELETE' }).catch(() => undefined);
}
