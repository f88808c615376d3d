// Takes renewed certificates into the running mysqld: Secrets change on disk, mysqld reads them at a start only.
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { Wake } from '../../agent/wake.ts';
import { reloadTls } from './admin.ts';
import { TLS_MOUNT } from './config.ts';
import type { Member } from './member.ts';

const LOOK_MS = 30_000;

export async function watchTls(member: Member, log: Logger, signal: AbortSignal): Promise<void> {
  const pause = new Wake();
  let taken = await readFile(`${TLS_MOUNT}/tls.crt`, 'utf8');
  while (!signal.aborted) {
    await pause.wait(LOOK_MS, signal);
    try {
      const found = await readFile(`${TLS_MOUNT}/tls.crt`, 'utf8');
      const session = member.session();
      if (found === taken || session === undefined) continue;
      await reloadTls(session);
      taken = found;
      log.info('mysqld took up renewed certificates');
    } catch (error) {
      log.warn('renewed certificates were not taken up', { error: messageOf(error) });
    }
  }
}
