// `npm run generate [-- --check]`: the TypeScript types and the chart's copy of the CRD, both made from crds/.
// With --check nothing is written; a file that would change is named and the exit code is 1.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format } from 'prettier';
import { parse, stringify } from 'yaml';
import { typesOf } from './schema-types.ts';
import type { Schema } from './schema-types.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = 'crds/spacecluster.dev_spaceclusters.yaml';
const TYPES = 'src/api/v1alpha1/types.gen.ts';
const CHART_COPY = 'charts/spacecluster/templates/crds/spaceclusters.yaml';

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

async function types(crd: Crd): Promise<string> {
  const properties = crd.spec.versions[0]?.schema.openAPIV3Schema.properties;
  if (properties?.['spec'] === undefined || properties['status'] === undefined)
    throw new Error(`${SOURCE} has no spec or no status`);
  const text = typesOf([properties['spec'], properties['status']]);
  const header = `// Generated from ${SOURCE} by \`npm run generate\`; do not edit.\n\n`;
  return format(header + text, { parser: 'typescript', printWidth: 110, singleQuote: true });
}

/** The CRD as a template: anchors written out, switchable, and kept when the release is uninstalled (it holds users' data). */
function chartCopy(crd: Crd): string {
  const text = stringify(
    { ...crd, metadata: { ...crd.metadata, annotations: { 'helm.sh/resource-policy': 'keep' } } },
    { aliasDuplicateObjects: false, lineWidth: 120 },
  );
  if (text.includes('{{')) throw new Error(`${SOURCE} holds "{{", which Helm would take for a template`);
  return `{{- /* Generated from ${SOURCE} by npm run generate; do not edit. */}}\n{{- if .Values.crds.enabled }}\n${text}{{- end }}\n`;
}

async function current(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(ROOT, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const crd = parse(await readFile(join(ROOT, SOURCE), 'utf8'), { merge: true }) as Crd;
const wanted: ReadonlyMap<string, string> = new Map([
  [TYPES, await types(crd)],
  [CHART_COPY, chartCopy(crd)],
]);
const checkOnly = process.argv.includes('--check');

for (const [path, text] of wanted) {
  if ((await current(path)) === text) continue;
  if (checkOnly) {
    process.stderr.write(`${path} does not match ${SOURCE}: run \`npm run generate\`\n`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
}
