// Keeps a small, long-lived process small: it does little, and has no use for a roomy heap. What has to be said before the
// process starts (interpreted JavaScript, no helper threads) stands with the pods: NODE_OPTIONS.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After start-up, when what was needed only to load and connect has become garbage. */
const SETTLED_MS = 20_000;

/** Call first thing in the process. */
export function staySmall(): void {
  // A dozen small messages a second, for ever: the whole heap is collected (10 ms) each time its young part is full, a few
  // times a minute, instead of being let grow.
  setFlagsFromString('--gc-global');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  setTimeout(() => {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, SETTLED_MS).unref();
}
