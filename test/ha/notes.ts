// What of a long proof has been played so far, a line each: what, when, and what came of it. A run that was interrupted goes on
// behind it.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface Note {
  readonly what: string;
  /** ISO 8601. */
  readonly at: string;
  readonly told: string;
}

export function readNotes(path: string): readonly Note[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what = '', at = '', told = ''] = line.split('\t');
      return { what, at, told };
    });
}

export function addNote(path: string, what: string, told: string): void {
  appendFileSync(path, `${[what, new Date().toISOString(), told.replace(/\s+/g, ' ')].join('\t')}\n`);
}
