import '@/styles/element';
import { readConfig } from './config';
import { YueyueWindow } from './element';

const TAG = 'yueyue-window';

// `currentScript` is there only now, while the script runs for the first time.
YueyueWindow.config = readConfig(document.currentScript instanceof HTMLScriptElement ? document.currentScript : null);

function install(): void {
  if (document.querySelector(TAG) === null) document.body.append(document.createElement(TAG));
}

if (customElements.get(TAG) === undefined) {
  customElements.define(TAG, YueyueWindow);
  if (document.body !== null) install();
  else document.addEventListener('DOMContentLoaded', install, { once: true });
}
