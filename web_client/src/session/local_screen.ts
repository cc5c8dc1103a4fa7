/** One's own screen: pick, replace, stop. */
import type { DeviceProblem, Source } from '@/protocol/messages';
import type { Mark } from './debug';
import { captureScreen, CaptureError, type CapturedScreen } from './devices';
import type { LinkSignaling } from './link';
import type { MediaState } from './media_state';
import type { ProblemReports } from './problem_reports';
import type { Publisher } from './publisher';

export interface LocalMediaOptions {
  readonly interactionId: string;
  readonly signaling: LinkSignaling;
  readonly publisher: Publisher;
  readonly mark: Mark;
  readonly problems: ProblemReports;
  readonly change: (part: Partial<MediaState>) => void;
}

export class LocalScreen {
  readonly #options: LocalMediaOptions;
  #captured: CapturedScreen | null = null;
  #allowed = false;
  #picking = false;

  constructor(options: LocalMediaOptions) {
    this.#options = options;
  }

  /** Stops at once when the assistance is over. */
  follow(sources: ReadonlySet<Source>): void {
    this.#allowed = sources.has('screen');
    if (!this.#allowed && this.#captured !== null) this.#release();
  }

  /**
   * Opens the picker and shares what is chosen, in place of what is shared. Called from a click. Tells the server why
   * nothing is shared; when another source is not picked, the present one goes on and there is nothing to tell.
   */
  async share(): Promise<void> {
    if (this.#picking) return;
    this.#picking = true;
    this.#options.change({ capturingScreen: true });
    const before = this.#captured;
    try {
      const captured = await captureScreen();
      this.#options.mark('screen_captured');
      if (!this.#allowed) {
        stop(captured);
        return;
      }
      this.#hold(captured);
      if (before !== null) stop(before);
      await this.#options.publisher.set({ screen: captured.video, screen_audio: captured.audio });
      this.#options.mark('screen_published');
    } catch (error) {
      if (!(error instanceof CaptureError)) {
        this.#release();
        throw error;
      }
      if (before === null) await this.#report(error.problem);
    } finally {
      this.#picking = false;
      this.#options.change({ capturingScreen: false });
    }
  }

  #hold(captured: CapturedScreen): void {
    this.#captured = captured;
    captured.video.addEventListener('ended', () => {
      if (this.#captured !== captured) return;
      this.#release();
      this.#report('capture_ended').catch(() => undefined);
    });
    this.#options.change({ screen: new MediaStream([captured.video]) });
  }

  #release(): void {
    const captured = this.#captured;
    this.#captured = null;
    if (captured !== null) stop(captured);
    this.#options.change({ screen: null });
    this.#options.publisher.set({ screen: null, screen_audio: null }).catch(() => undefined);
  }

  #report(problem: DeviceProblem): Promise<void> {
    return this.#options.problems.screen(problem);
  }
}

function stop({ video, audio }: CapturedScreen): void {
  video.stop();
  audio?.stop();
}
