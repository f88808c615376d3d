// Checks which folder may import which (docs/architecture.md, "Who may import whom"), and that pure files stay pure.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Folder -> the folders under src/ that it may import. The longest matching folder counts. */
const ALLOWED: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ['src/kube', ['kube', 'errors.ts', 'log.ts']],
  ['src/api', ['api', 'kube/types.ts', 'kube/quantity.ts', 'errors.ts']],
  ['src/runtime', ['runtime', 'kube', 'errors.ts', 'log.ts']],
  ['src/agent', ['agent', 'kube', 'api', 'runtime', 'errors.ts', 'log.ts']],
  ['src/engines/shared', ['engines/shared', 'engines/engine.ts', 'api', 'kube', 'errors.ts', 'log.ts']],
  [
    'src/engines',
    ['engines/engine.ts', 'engines/shared', 'agent', 'api', 'kube', 'runtime', 'errors.ts', 'log.ts'],
  ],
  ['src/worker', ['worker', 'agent', 'api', 'kube', 'runtime', 'errors.ts', 'log.ts']],
  ['src/spacecluster', ['spacecluster', 'engines', 'api', 'kube', 'runtime', 'errors.ts', 'log.ts']],
];

/** Files that hold decisions: plain data in, plain data out; time comes in as a value. */
const PURE =
  /^src\/(engines\/\w+\/(specs|decide|status|config|gtid)|agent\/(verdict|certainty|timing|role-record|simple-role|slice-content)|api\/.*\w|spacecluster\/(status|preflight\/checks))\.ts$/;
const IMPURE_IMPORT =
  /^(node:(fs|net|http|https|tls|child_process|timers)|mysql2|pg$|cassandra-driver|fastify)/;
const IMPURE_CALL = /\b(Date\.now|performance\.now|setTimeout|setInterval)\s*\(|\bnew Date\(\s*\)/;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\bfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|\}\s*from\s+['"]([^'"]+)['"]/g;

/** One line a violation; empty when the tree is in order. */
export function violations(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => [...wrongImports(file), ...impurities(file)]);
}

function wrongImports(file: SourceFile): readonly string[] {
  return imports(file.text).flatMap((specifier) => {
    if (specifier.startsWith('@kubernetes/client-node')) {
      return file.path.startsWith('src/kube/') ? [] : [`${file.path}: only src/kube may import ${specifier}`];
    }
    if (!specifier.startsWith('.')) return [];
    const target = normalize(join(dirname(file.path), specifier)).replace(/^src\//, '');
    const rule = ALLOWED.filter(([folder]) => file.path.startsWith(`${folder}/`)).toSorted(
      (a, b) => b[0].length - a[0].length,
    )[0];
    if (rule === undefined) return [];
    const [folder, allowed] = rule;
    const own = file.path.startsWith('src/engines/')
      ? file.path.split('/').slice(1, 3).join('/')
      : folder.replace('src/', '');
    const permitted = [own, ...allowed].some(
      (prefix) => target === prefix || target.startsWith(`${prefix}/`),
    );
    return permitted ? [] : [`${file.path}: ${own} may not import ${target}`];
  });
}

function impurities(file: SourceFile): readonly string[] {
  if (!PURE.test(file.path) || !file.path.startsWith('src/')) return [];
  const wrong = imports(file.text)
    .filter((specifier) => IMPURE_IMPORT.test(specifier))
    .map((specifier) => `${file.path}: a pure file may not import ${specifier}`);
  return IMPURE_CALL.test(file.text) ? [...wrong, `${file.path}: a pure file takes time as a value`] : wrong;
}

function imports(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('..', import.meta.url).pathname;
  const files = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !path.endsWith('.test.ts'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  const found = violations(files);
  for (const line of found) process.stderr.write(`${line}\n`);
  process.exit(found.length === 0 ? 0 : 1);
}
