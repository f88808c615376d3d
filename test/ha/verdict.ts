// What is wrong with a played fault, and a line that tells it. Pure.
import type { Failure } from './ledger.ts';
import type { Played } from './play.ts';

/** Empty when every rule was kept. */
export function wrong({ ledgers, violation }: Played): readonly string[] {
  const found = ledgers.flatMap(({ kind, lost, different, strays, acknowledged, gapMs, boundMs }) => [
    ...(lost.length > 0
      ? [`${kind}: ${lost.length} acknowledged writes are lost: ${lost.slice(0, 5).join()}`]
      : []),
    ...(different.length > 0
      ? [`${kind}: ${different.length} rows differ: ${different.slice(0, 5).join()}`]
      : []),
    ...(strays > 0 ? [`${kind}: two members wrote at once`] : []),
    ...(acknowledged === 0 ? [`${kind}: nothing was acknowledged`] : []),
    ...(gapMs > boundMs ? [`${kind}: clients waited for ${gapMs} ms, ${boundMs} are borne`] : []),
  ]);
  return violation === '' ? found : [...found, violation];
}

export function describePlayed({ fault, ledgers, wholeMs, followedMs }: Played): string {
  const told = ledgers.map(
    ({ kind, acknowledged, lost, gapMs, failures }) =>
      `${kind} ${acknowledged} acknowledged, ${lost.length} lost, gap ${gapMs} ms${failures.map(describeFailure).join('')}`,
  );
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
  const followed = followedMs === undefined ? '' : `, followed by every node after ${seconds(followedMs)}`;
  return `${fault}: ${told.join('; ')}; whole after ${seconds(wholeMs)}${followed}`;
}

const describeFailure = ({ error, times, lastMs }: Failure): string =>
  `, ${times} x "${error}" until ${lastMs} ms`;
