/**
 * Puts the build's CSS into its JavaScript, in place of the string `placeholder`, and drops the CSS file.
 * A shadow root has no `:root`: custom properties defined there move to `:host`.
 */
export function inlineStyles(placeholder) {
  return {
    name: 'inline-styles',
    enforce: 'post',
    generateBundle(_options, bundle) {
      let css = '';
      for (const [name, item] of Object.entries(bundle)) {
        if (item.type === 'asset' && name.endsWith('.css')) {
          css += String(item.source);
          Reflect.deleteProperty(bundle, name);
        }
      }
      css = css.replaceAll(':root', ':host').replaceAll(/@charset [^;]+;/g, '');
      let found = false;
      for (const item of Object.values(bundle)) {
        if (item.type !== 'chunk') continue;
        item.code = item.code.replace(new RegExp(`(["'\`])${placeholder}\\1`, 'g'), () => {
          found = true;
          return JSON.stringify(css);
        });
      }
      if (!found || css === '') this.error(`no place for the styles: ${placeholder} is not in the bundle, or no CSS was built`);
    },
  };
}
