/** The person's choices that outlive a visit: devices, letter size, ring sound. */
import type { DeviceKind } from './devices';

export const FONT_SIZES = [14, 15, 17, 20] as const;
export type FontSize = (typeof FONT_SIZES)[number];

const PREFIX = 'yueyue.';

export class Preferences {
  readonly #storage: Storage | null;
  readonly #memory = new Map<string, string>();

  /** Without storage (a sandboxed host page) choices live as long as the page. */
  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  static ofBrowser(): Preferences {
    try {
      return new Preferences(window.localStorage);
    } catch {
      return new Preferences(null);
    }
  }

  device(kind: DeviceKind): string | null {
    return this.#read(`device.${kind}`);
  }

  setDevice(kind: DeviceKind, id: string): void {
    this.#write(`device.${kind}`, id);
  }

  get fontSize(): FontSize {
    const size = Number(this.#read('font-size'));
    return FONT_SIZES.find((one) => one === size) ?? 15;
  }

  set fontSize(size: FontSize) {
    this.#write('font-size', String(size));
  }

  get ringSound(): boolean {
    return this.#read('ring-sound') !== 'off';
  }

  set ringSound(on: boolean) {
    this.#write('ring-sound', on ? 'on' : 'off');
  }

  #read(key: string): string | null {
    const kept = this.#memory.get(key);
    if (kept !== undefined) return kept;
    try {
      return this.#storage?.getItem(PREFIX + key) ?? null;
    } catch {
      return null;
    }
  }

  #write(key: string, value: string): void {
    this.#memory.set(key, value);
    try {
      this.#storage?.setItem(PREFIX + key, value);
    } catch {
      // Storage is refused or full: the copy in memory serves.
    }
  }
}
