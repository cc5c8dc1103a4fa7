import { createApp, type App } from 'vue';
import type { EmbedConfig } from './config';
import EmbedApp from './EmbedApp.vue';

/** Put in by the build (scripts/inline-styles.mjs). */
const STYLES = '__EMBED_STYLES__';

/**
 * `<yueyue-window>`: everything is inside its shadow root, so that the host page's styles cannot reach it and its own
 * cannot leak. Constructed style sheets need no `style-src` of the host page's policy.
 */
export class YueyueWindow extends HTMLElement {
  static config: EmbedConfig;
  #app: App | null = null;

  connectedCallback(): void {
    if (this.#app !== null) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    // Important, or any rule of the host page for the element (`body * { … }`) would win: CSS Scoping §3.3.1.
    sheet.replaceSync(`:host { all: initial !important; } ${STYLES}`);
    root.adoptedStyleSheets = [sheet];
    const place = document.createElement('div');
    root.append(place);
    this.#app = createApp(EmbedApp, { config: YueyueWindow.config });
    this.#app.mount(place);
  }

  disconnectedCallback(): void {
    // A host page may move the element: only when it is really gone does the window end.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#app?.unmount();
      this.#app = null;
      this.shadowRoot?.replaceChildren();
    });
  }
}
