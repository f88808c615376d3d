// `npm run generate [-- --check]`: the types, the chart's copy of the CRD and the tables of docs/reference.md, all from crds/.
// With --check nothing is written; a file that would change is named and the exit code is 1.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format } from 'prettier';
import { parse, stringify } from 'yaml';
import { fieldTable } from './schema-reference.ts';
import { typesOf } from './schema-types.ts';
import type { Schema } from './schema-types.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = 'crds/spacecluster.dev_spaceclusters.yaml';
const TYPES = 'src/api/v1alpha1/types.gen.ts';
const REFERENCE = 'docs/reference.md';
const CHART_COPY = 'charts/spacecluster/templates/crds/spaceclusters.yaml';

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

interface Roots {
  readonly spec: Schema;
  readonly status: Schema;
}

function roots(crd: Crd): Roots {
  const { spec, status } = crd.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${SOURCE} has no spec or no status`);
  return { spec, status };
}

async function types({ spec, status }: Roots): Promise<string> {
  const text = typesOf([spec, status]);
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

/** The tables stand between marks; the text around them is written by hand. */
function reference(text: string, { spec, status }: Roots): string {
  return Object.entries({ spec, status }).reduce((result, [name, schema]) => {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const [head, rest] = result.split(begin);
    const tail = rest?.split(end)[1];
    if (head === undefined || tail === undefined)
      throw new Error(`${REFERENCE} lacks the marks ${begin} and ${end}`);
    return `${head}${begin}\n\n${fieldTable(name, schema)}\n\n${end}${tail}`;
  }, text);
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
  [TYPES, await types(roots(crd))],
  [REFERENCE, reference((await current(REFERENCE)) ?? '', roots(crd))],
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
