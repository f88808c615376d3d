// Signs certificates in a process of its own: the library is needed for seconds in the life of an operator, and would stay in
// its memory for ever.
import { answerOwnProgram, askOwnProgram } from '../runtime/own-program.ts';
import { createAuthority, issue } from './pki.ts';
import type { KeyPair, LeafRequest } from './pki.ts';

/** The program's sub-command that is `runSigner`. */
const SIGNER_COMMAND = 'sign-certificates';

interface SignerJob {
  /** ISO 8601. */
  readonly at: string;
  readonly wanted:
    | { readonly kind: 'authority'; readonly commonName: string }
    | { readonly kind: 'leaves'; readonly authority: KeyPair; readonly requests: readonly LeafRequest[] };
}

/** The sub-command's body. */
export function runSigner(): Promise<void> {
  return answerOwnProgram(async (job): Promise<readonly KeyPair[]> => {
    const { at, wanted } = job as SignerJob;
    const now = new Date(at);
    if (wanted.kind === 'authority') return [await createAuthority(wanted.commonName, now)];
    return Promise.all(wanted.requests.map((request) => issue(wanted.authority, request, now)));
  });
}

/**
 * @returns a new authority alone, or the leaves in the order of their requests
 * @throws EngineError when the process fails
 */
export async function sign(
  wanted: SignerJob['wanted'],
  now: Date,
  signal: AbortSignal,
): Promise<readonly KeyPair[]> {
  const job: SignerJob = { at: now.toISOString(), wanted };
  return (await askOwnProgram(SIGNER_COMMAND, job, signal)) as readonly KeyPair[];
}
