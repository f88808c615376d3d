// Bundles src/main.ts into dist/: code-split, so that each sub-command and each driver is loaded only when it is needed.
import { build } from 'esbuild';
import { readFile, rm } from 'node:fs/promises';

const root = new URL('..', import.meta.url).pathname;
const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { version: string };

await rm(`${root}dist`, { recursive: true, force: true });
await build({
  entryPoints: { main: `${root}src/main.ts` },
  outdir: `${root}dist`,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // ESM where a package has it: named exports survive, and unused ones are left out.
  mainFields: ['module', 'main'],
  define: { 'process.env.SPC_VERSION': JSON.stringify(version) },
  // Optional native parts of the drivers; the pure JavaScript ones are used.
  external: ['pg-native', 'kerberos', 'pg-cloudflare', 'cpu-features'],
  banner: {
    js: "import { createRequire as spcRequire } from 'node:module'; const require = spcRequire(import.meta.url);",
  },
});
