/** Files on their way into conversations: several at once, each with its progress, its failure and its way out. */
import { computed, shallowRef, type ComputedRef } from 'vue';
import { failureText } from '@/messages';
import { MAX_FILE_BYTES, mayPass, upload } from '@/rest/uploads';
import type { SessionContext } from './use_session';

/** The server's own sentence, without asking it. */
const TOO_LARGE = '文件须小于 20 MB，请缩小后重新发送。';

export interface UploadItem {
  readonly key: number;
  readonly interactionId: string;
  readonly file: File;
  /** 0 to 1. */
  readonly progress: number;
  readonly failure: string | null;
  /** The failure may pass. */
  readonly again: boolean;
}

export interface Uploads {
  readonly items: ComputedRef<readonly UploadItem[]>;
  add(interactionId: string, files: readonly File[]): void;
  retry(key: number): void;
  /** Cancels it, or takes a failed one away. */
  drop(key: number): void;
}

/** `interactionId` of the conversation whose files are shown. */
export function useUploads(session: SessionContext, interactionId: ComputedRef<string>): Uploads {
  const all = shallowRef<readonly UploadItem[]>([]);
  const controllers = new Map<number, AbortController>();
  let nextKey = 1;

  const change = (key: number, part: Partial<UploadItem>): void => {
    all.value = all.value.map((item) => (item.key === key ? { ...item, ...part } : item));
  };
  const remove = (key: number): void => {
    all.value = all.value.filter((item) => item.key !== key);
  };

  async function send(item: UploadItem): Promise<void> {
    const controller = new AbortController();
    controllers.set(item.key, controller);
    try {
      const stored = await upload(session.client.uploads, {
        interactionId: item.interactionId,
        file: item.file,
        signal: controller.signal,
        onProgress: (sent) => change(item.key, { progress: item.file.size === 0 ? 0 : sent / item.file.size }),
      });
      remove(item.key);
      // From here on it is a message like any other: pending, sent again by itself, resent by hand.
      await session.client.sendFile(item.interactionId, stored.file_id, stored.name).catch(() => undefined);
    } catch (error) {
      if (controller.signal.aborted) remove(item.key);
      else change(item.key, { failure: failureText(error), again: mayPass(error) });
    } finally {
      controllers.delete(item.key);
    }
  }

  return {
    items: computed(() => all.value.filter((item) => item.interactionId === interactionId.value)),
    add(id, files) {
      for (const file of files) {
        const tooLarge = file.size >= MAX_FILE_BYTES;
        const item = { key: nextKey++, interactionId: id, file, progress: 0, failure: tooLarge ? TOO_LARGE : null, again: false };
        all.value = [...all.value, item];
        if (!tooLarge) void send(item);
      }
    },
    retry(key) {
      const item = all.value.find((one) => one.key === key);
      if (item === undefined || item.failure === null) return;
      change(key, { failure: null, progress: 0 });
      void send(item);
    },
    drop(key) {
      const controller = controllers.get(key);
      if (controller === undefined) remove(key);
      else controller.abort();
    },
  };
}
