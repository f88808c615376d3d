// Preflight: may this spec be carried out here? First `gatherPreflight` (reads), then `runPreflight` (pure).
export { gatherPreflight } from './gather.ts';
export { runPreflight } from './chain.ts';
export type { PreflightResult } from './chain.ts';
