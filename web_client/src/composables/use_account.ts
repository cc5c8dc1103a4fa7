import { onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { RequestError } from '@/signaling/errors';
import { readAccount, type Account } from '@/rest/account';

export type AccountState = 'loading' | 'ready' | 'signed_out' | 'unreachable';

/** Who works or meets here, known before the page itself is opened. */
export interface PageAccount {
  readonly state: Ref<AccountState>;
  /** There while `state` is `ready`. */
  readonly account: ShallowRef<Account | null>;
  /** A sentence of the server, empty when it said none. */
  readonly reason: Ref<string>;
  load(): Promise<void>;
  signedOut(sentence: string): void;
}

export function useAccount(): PageAccount {
  const state = ref<AccountState>('loading');
  const account = shallowRef<Account | null>(null);
  const reason = ref('');

  async function load(): Promise<void> {
    state.value = 'loading';
    try {
      account.value = await readAccount();
      state.value = 'ready';
    } catch (error) {
      const code = error instanceof RequestError ? error.code : 'internal_error';
      reason.value = error instanceof RequestError ? error.message : '';
      state.value = code.startsWith('token_') ? 'signed_out' : 'unreachable';
    }
  }

  function signedOut(sentence: string): void {
    account.value = null;
    reason.value = sentence;
    state.value = 'signed_out';
  }

  onMounted(load);
  return { state, account, reason, load, signedOut };
}
