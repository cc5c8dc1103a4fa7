/** What the window may do with sound, over REST: `/api/assistant/voice`. */
import type { ServiceHttp } from './http';

export interface VoiceState {
  /** Whether one may dictate. */
  readonly recognition: 'ready' | 'not_configured' | 'unavailable';
  readonly max_seconds: number;
  /** Whether the server reads answers out. */
  readonly reading: boolean;
}

export class VoiceApi {
  readonly #http: ServiceHttp;

  constructor(http: ServiceHttp) {
    this.#http = http;
  }

  state(): Promise<VoiceState> {
    return this.#http.send('/api/assistant/voice');
  }

  /** An answer as MP3. Rejects with `RequestError`. */
  answer(questionId: string, signal: AbortSignal): Promise<ArrayBuffer> {
    return this.#http.sound(`/api/assistant/questions/${encodeURIComponent(questionId)}/voice`, signal);
  }
}
