// Is the pod Ready? Exactly when the member is in sync: the open primary, or a recorded standby that receives and applies. Pure.
import { isRecorded, ownCopy } from './view.ts';
import type { View } from './view.ts';

/** undefined when ready; else what is missing. */
export function readiness(view: View | undefined): string | undefined {
  if (view?.record === undefined) return 'nothing is known yet';
  const { record, engine } = view;
  if (view.stopping) return 'it is being stopped';
  if (engine.kind !== 'running') return `mysqld is ${engine.kind}`;
  if (!isRecorded({ ...view, record }, ownCopy(view, engine))) return 'it is not a recorded copy';
  if (record.holder === view.self) {
    if (!engine.writable || !engine.online) return 'the primary is not open';
    return view.published ? undefined : 'the primary is not routed to yet';
  }
  const { replica } = engine;
  if (replica?.io !== 'on') return `it does not receive: ${replica?.ioError ?? 'no source'}`;
  if (!replica.sql || replica.sqlError !== '') return `it does not apply: ${replica.sqlError}`;
  return engine.online ? undefined : 'it lets no clients in yet';
}
