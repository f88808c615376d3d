// Runs audits beside the agent's other work: when one is due, on connections of its own; keeps the outcome in the database.
import { monotonicNow, Wake } from '../../agent/wake.ts';
import { messageOf } from '../../errors.ts';
import type { Occurrence } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import { connectLocal, connectPeer, withSession } from './admin.ts';
import { auditDue, isWhole } from './audit.ts';
import type { AuditMemory, AuditResult, Occasion } from './audit.ts';
import { runAudit } from './audit-run.ts';
import { DATABASE, SUPERUSER, slotTo } from './names.ts';
import type { Observation } from './observation.ts';

export interface AuditorOptions {
  readonly member: string;
  readonly peer: string;
  readonly peerHost: string;
  readonly log: Logger;
  /** The agent's last look. */
  readonly seen: () => Observation | undefined;
  /** The annotation's value; '' for none. */
  readonly request: () => string;
  readonly tell: (occurrence: Occurrence) => void;
}

const PERIOD_MS = 1_000;
const RETRY_MS = 60_000;
/** One query of an audit: a slice is small, but a machine may be busy. */
const QUERY_MS = 60_000;

export class Auditor {
  readonly #options: AuditorOptions;
  #memory: AuditMemory | undefined;
  /** Monotonic: when the memory was read or written. */
  #rememberedAt = 0;
  #wholeSince: number | undefined;
  /** An agent that starts does not know what happened before. */
  #broken = true;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** The last audit that was completed here; undefined before the first, and until it is read from the database. */
  get result(): AuditResult | undefined {
    return this.#memory?.last?.result;
  }

  /** Runs until `signal` is aborted and the audit under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = new Wake();
    while (!signal.aborted) {
      const failed = await this.#turn(signal).then(
        () => false,
        (error: unknown) => {
          if (!signal.aborted) this.#options.log.warn('audit not completed', { error: messageOf(error) });
          return true;
        },
      );
      await wake.wait(failed ? RETRY_MS : PERIOD_MS, signal);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const now = monotonicNow();
    const seen = this.#options.seen();
    if (seen === undefined || seen.remote.kind === 'unseen') return;
    if (!isWhole(seen)) {
      this.#wholeSince = undefined;
      this.#broken = true;
      return;
    }
    this.#wholeSince ??= now;
    this.#memory ??= await this.#recall();
    const request = this.#options.request();
    if (request === '' && this.#memory.request !== '') this.#memory = await this.#rearm(this.#memory);
    const { last } = this.#memory;
    const occasion = auditDue({
      wholeMs: now - this.#wholeSince,
      broken: this.#broken,
      request,
      memory: {
        ...this.#memory,
        last: last && { ...last, ageMs: last.ageMs + now - this.#rememberedAt },
      },
    });
    if (occasion !== undefined) await this.#audit(occasion, seen, signal);
  }

  async #audit(occasion: Occasion, { local }: Observation, signal: AbortSignal): Promise<void> {
    if (local.kind !== 'up') return;
    const { log, peer, peerHost, seen } = this.#options;
    const request = this.#options.request();
    // A break from here on is one that this audit has not seen.
    this.#broken = false;
    log.info('audit begins', { occasion });
    const counts = await withSession(connectLocal(SUPERUSER, DATABASE, QUERY_MS), (home) =>
      withSession(connectPeer(peerHost, QUERY_MS), (away) =>
        runAudit({
          home,
          away,
          slot: slotTo(local.state.systemIdentifier),
          whole: () => {
            const last = seen();
            return last !== undefined && (last.remote.kind === 'unseen' || isWhole(last));
          },
          signal,
          onDifference: (table, found) => {
            log.warn('rows differed from those of the peer', { peer, table, ...found });
          },
        }),
      ),
    );
    const result = { at: new Date().toISOString(), ...counts };
    await this.#remember(request, result);
    log.info('audit ended', { occasion, ...result });
    this.#tell(occasion, result);
  }

  #tell(occasion: Occasion, result: AuditResult): void {
    const { member, peer, tell } = this.#options;
    const link = `the rows of ${member} were compared with those of ${peer}`;
    if (result.left > 0) {
      const note = `${link}: some differ and could not be brought in line; the agent's log names the tables`;
      tell({ type: 'Warning', reason: 'PostgreSQLRowsDiffer', action: 'Audit', note });
    } else if (result.differing > 0) {
      const note = `${link}: some differed and were brought in line; the agent's log names the tables`;
      tell({ type: 'Warning', reason: 'PostgreSQLRowsRepaired', action: 'Audit', note });
    } else if (occasion === 'request') {
      tell({ type: 'Normal', reason: 'PostgreSQLAudited', action: 'Audit', note: `${link}: all are equal` });
    }
  }

  /** The annotation was taken away: its last value may ask again. */
  async #rearm(memory: AuditMemory): Promise<AuditMemory> {
    await withSession(connectLocal(SUPERUSER, DATABASE, QUERY_MS), (home) =>
      home.query("UPDATE spacecluster.audit SET request = ''"),
    );
    return { ...memory, request: '' };
  }

  async #recall(): Promise<AuditMemory> {
    const rows = await withSession(connectLocal(SUPERUSER, DATABASE, QUERY_MS), (home) =>
      home.query(`SELECT request, result,
        (extract(epoch FROM clock_timestamp() - (result->>'at')::timestamptz) * 1000)::float8 AS age FROM spacecluster.audit`),
    );
    this.#rememberedAt = monotonicNow();
    const [row] = rows;
    const result = (row?.['result'] ?? undefined) as AuditResult | undefined;
    return {
      request: (row?.['request'] as string | undefined) ?? '',
      // A clock that was set back must not put the next audit off.
      last: result && { result, ageMs: Math.max(0, Number(row?.['age'])) },
    };
  }

  async #remember(request: string, result: AuditResult): Promise<void> {
    await withSession(connectLocal(SUPERUSER, DATABASE, QUERY_MS), (home) =>
      home.query(
        `INSERT INTO spacecluster.audit (request, result) VALUES ($1, $2)
        ON CONFLICT (only_row) DO UPDATE SET request = EXCLUDED.request, result = EXCLUDED.result`,
        [request, JSON.stringify(result)],
      ),
    );
    this.#memory = { request, last: { result, ageMs: 0 } };
    this.#rememberedAt = monotonicNow();
  }
}
