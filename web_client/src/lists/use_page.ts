/** Signed in or not, and what both pages read first. */
import { onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { readAccount, signOut, type Account } from '@/rest/account';
import { failureText } from '@/messages';
import { ServiceHttp } from '@/rest/http';
import { RequestError } from '@/signaling/errors';
import type { Choices } from './spec';

export interface PageStart {
  readonly account: Account;
  readonly http: ServiceHttp;
  readonly choices: Choices;
}

export interface PageState {
  readonly start: ShallowRef<PageStart | null>;
  readonly failure: Ref<{ readonly title: string; readonly detail: string } | null>;
  load(): Promise<void>;
  leave(): Promise<void>;
}

export function usePage(home: string): PageState {
  const start = shallowRef<PageStart | null>(null);
  const failure = ref<{ title: string; detail: string } | null>(null);

  async function load(): Promise<void> {
    failure.value = null;
    try {
      const account = await readAccount();
      const http = new ServiceHttp({ url: window.location.origin, token: () => account.token });
      start.value = { account, http, choices: await http.send<Choices>('/api/choices') };
    } catch (error) {
      const signedOut = error instanceof RequestError && error.code.startsWith('token_');
      failure.value = signedOut ? { title: '请先登录', detail: '登录后即可继续办理。' } : { title: '暂时无法打开页面', detail: failureText(error) };
    }
  }

  onMounted(load);
  return {
    start,
    failure,
    load,
    async leave() {
      await signOut();
      window.location.assign(home);
    },
  };
}
