// Keeps a small, long-lived process small: it does little, and has no use for a roomy heap. What has to be said before the
// process starts (interpreted JavaScript, no helper threads, `gc`) stands with the pods: NODE_OPTIONS.

/** What outlived two collections of the young heap, and half-empty pages, are given back so often. */
const TIDY_MS = 15_000;

/** Call first thing in the process. Each time costs a pause of some 20 ms, far below what any deadline here allows. */
export function staySmall(): void {
  setInterval(tidy, TIDY_MS).unref();
}

function tidy(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
