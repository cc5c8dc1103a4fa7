/**
 * Builds what the server serves:
 *   dist/desk.html and dist/assets/   the agent's desk, a page with chunks
 *   dist/admin.html                   the administration page
 *   dist/editor.html                  the editor's page
 *   dist/meeting.html                 the page of a meeting
 *   dist/centre.html                  the taxpayer's personal centre
 *   dist/casework.html                its staff side, at /desk/records
 *   dist/check.html                   the check of devices and network
 *   dist/embed.js                     the window for other sites, ONE file with its styles inside
 */
import { renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { inlineStyles } from './inline-styles.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Built beside and put in place whole: a server that is running never serves half a build. */
const outDir = `${root}/dist.next`;
rmSync(outDir, { recursive: true, force: true });

const common = { root, configFile: `${root}/vite.config.ts`, logLevel: 'warn' };

await build({
  ...common,
  base: '/',
  build: { outDir, emptyOutDir: false, rolldownOptions: { input: ['desk', 'admin', 'editor', 'meeting', 'centre', 'casework', 'check'].map((page) => `${root}/${page}.html`) } },
});

await build({
  ...common,
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [inlineStyles('__EMBED_STYLES__')],
  build: {
    outDir,
    emptyOutDir: false,
    cssCodeSplit: false,
    lib: { entry: `${root}/src/embed/main.ts`, formats: ['iife'], name: 'YueyueWindow', fileName: () => 'embed.js' },
  },
});

rmSync(`${root}/dist`, { recursive: true, force: true });
renameSync(outDir, `${root}/dist`);
