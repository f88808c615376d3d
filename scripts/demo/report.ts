// The table at the end of `make demo`: what was tried, whether it held, what was seen. Exits 1 when anything did not hold.
// Arguments: the self-check's JSON lines, the workers that answered 30 requests without cookie, and 30 with it.
import { readFileSync } from 'node:fs';

interface Row {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const REQUESTS = 30;

function lines(path: string | undefined): readonly string[] {
  return path === undefined
    ? []
    : readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
}

function shares(answers: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const worker of answers) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  return counts;
}

function describe(counts: ReadonlyMap<string, number>): string {
  return (
    [...counts]
      .map(([worker, count]) => `${worker} ${count}`)
      .toSorted()
      .join(', ') || 'no answer'
  );
}

/** Round robin: nobody is more than a few requests away from an even share. */
function even(answers: readonly string[]): Row {
  const counts = shares(answers);
  const values = [...counts.values()];
  const ok = answers.length === REQUESTS && counts.size > 1 && Math.max(...values) - Math.min(...values) <= 3;
  return {
    name: `Web IP: ${REQUESTS} requests are shared evenly by the workers`,
    ok,
    detail: describe(counts),
  };
}

function sticky(answers: readonly string[]): Row {
  const counts = shares(answers);
  const ok = answers.length === REQUESTS && counts.size === 1;
  return {
    name: `Web IP: ${REQUESTS} requests with the cookie stay on one worker`,
    ok,
    detail: describe(counts),
  };
}

function selfcheck(path: string | undefined): readonly Row[] {
  const rows = lines(path).flatMap((line) => {
    const value = JSON.parse(line) as Partial<Row>;
    return value.name === undefined
      ? []
      : [{ name: value.name, ok: value.ok === true, detail: value.detail ?? '' }];
  });
  return rows.length > 0 ? rows : [{ name: 'self-check', ok: false, detail: 'the Job printed nothing' }];
}

const [checks, without, withCookie] = process.argv.slice(2);
const rows = [...selfcheck(checks), even(lines(without)), sticky(lines(withCookie))];
const width = Math.max(...rows.map((row) => row.name.length));
for (const row of rows) {
  process.stdout.write(`  ${row.ok ? 'ok  ' : 'FAIL'}  ${row.name.padEnd(width)}  ${row.detail}\n`);
}
process.exit(rows.every((row) => row.ok) ? 0 : 1);
