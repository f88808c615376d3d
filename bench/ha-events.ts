// The events of `make bench-ha`: by which fault of the catalogue each is brought about, and what of its ledger is measured.
import type { Kind } from '../test/ha/ground.ts';
import type { Ledger } from '../test/ha/play.ts';

export interface Event {
  readonly what: string;
  readonly fault: string;
  readonly wanted: string;
  /** Whose ledger tells of it. */
  readonly kind: Kind;
  readonly measure: (ledger: Ledger) => number;
}

const gap = ({ gapMs }: Ledger): number => gapMs;
/** Until when requests were begun that failed. */
const failing = ({ failures }: Ledger): number => Math.max(0, ...failures.map(({ lastMs }) => lastMs));

export const EVENTS: readonly Event[] = [
  {
    what: 'Web IP, planned hand-over',
    fault: 'a hand-over of the Web IP is asked for',
    wanted: '0.5 s',
    kind: 'http',
    measure: gap,
  },
  {
    what: 'Web IP, balancer process killed',
    fault: 'haproxy of the holder is killed',
    wanted: '0.8 s',
    kind: 'http',
    measure: gap,
  },
  {
    what: 'Web IP, balancer process hung',
    fault: 'haproxy of the holder hangs',
    wanted: '',
    kind: 'http',
    measure: gap,
  },
  {
    what: 'MySQL switchover',
    fault: 'a hand-over of the primary is asked for',
    wanted: '0.8 s',
    kind: 'mysql',
    measure: gap,
  },
  {
    what: 'MySQL process killed',
    fault: 'mysqld of the primary is killed',
    wanted: '1 s',
    kind: 'mysql',
    measure: gap,
  },
  {
    what: 'MySQL hung (SIGSTOP)',
    fault: 'mysqld of the primary hangs',
    wanted: '4 s',
    kind: 'mysql',
    measure: gap,
  },
  {
    what: 'writes pause when the standby dies',
    fault: 'mysqld of the standby is killed',
    wanted: '3 s',
    kind: 'mysql',
    measure: gap,
  },
  {
    what: 'PostgreSQL member killed: last failed write begun after',
    fault: 'postgres of a member is killed',
    wanted: '5 s',
    kind: 'postgresql',
    measure: failing,
  },
  {
    what: 'PostgreSQL member hung: last failed write begun after',
    fault: 'postgres of a member hangs',
    wanted: '5 s',
    kind: 'postgresql',
    measure: failing,
  },
  {
    what: 'hung worker out of the balancer: last failed request begun after',
    fault: 'a worker hangs',
    wanted: '3 s',
    kind: 'http',
    measure: failing,
  },
  {
    what: 'MySQL, node lost',
    fault: "the primary's node loses its link for 30 s",
    wanted: '5 s',
    kind: 'mysql',
    measure: gap,
  },
  {
    what: 'Web IP, node lost',
    fault: "the balancer's node loses its link for 30 s",
    wanted: '4 s',
    kind: 'http',
    measure: gap,
  },
];
