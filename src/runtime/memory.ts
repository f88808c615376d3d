// Keeps a small, long-lived process small: it does little, and has no use for a roomy heap. What has to be said before the
// process starts (interpreted JavaScript, no helper threads, `gc`) stands with the pods: NODE_OPTIONS.
import { setFlagsFromString } from 'node:v8';

/** Loading, connecting and a change of the world leave garbage and half-empty pages; once a minute they are given back. */
const TIDY_MS = 60_000;
/** The first time after start-up. */
const SETTLED_MS = 20_000;

/** Call first thing in the process. Costs a pause of 10 to 20 ms a minute, far below what any deadline here allows. */
export function staySmall(): void {
  // A dozen small messages a second, for ever: the whole heap is collected (10 ms) each time its young part is full, a few
  // times a minute, instead of being let grow.
  setFlagsFromString('--gc-global');
  setTimeout(() => {
    tidy();
    setInterval(tidy, TIDY_MS).unref();
  }, SETTLED_MS).unref();
}

function tidy(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
