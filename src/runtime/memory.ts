// Keeps a small, long-lived process small: it does little, and has no use for a roomy heap. What has to be said before the
// process starts (interpreted JavaScript, no helper threads, `gc`) stands with the pods: NODE_OPTIONS.
import { setFlagsFromString } from 'node:v8';

/** After start-up, when what was needed only to load and connect has become garbage. */
const SETTLED_MS = 20_000;

/** Call first thing in the process. */
export function staySmall(): void {
  // A dozen small messages a second, for ever: the whole heap is collected (10 ms) each time its young part is full, a few
  // times a minute, instead of being let grow.
  setFlagsFromString('--gc-global');
  setTimeout(() => {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, SETTLED_MS).unref();
}
