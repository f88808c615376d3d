// The fabric's list: roles from the records, status from the heartbeats, never surer than what is seen.
import { describe, expect, it } from '@jest/globals';
import { fabricNodes } from './nodes.ts';
import type { BeatingPod, FabricFacts } from './nodes.ts';

const pod = (name: string, component: string, change: Partial<BeatingPod> = {}): BeatingPod => ({
  pod: name,
  component,
  node: 'n1',
  dead: false,
  silentMs: 300,
  ...change,
});

const facts = (change: Partial<FabricFacts>): FabricFacts => ({
  beating: [],
  vipHolder: undefined,
  mysqlPrimary: undefined,
  ring: [],
  ...change,
});

const rolesOf = (given: FabricFacts) =>
  fabricNodes(given).map(({ name, role, status }) => [name, role, status]);

describe('fabricNodes', () => {
  it('tells roles by the records', () => {
    expect(
      rolesOf(
        facts({
          beating: [
            pod('d-mysql-1', 'mysql'),
            pod('d-mysql-0', 'mysql'),
            pod('d-lb-0', 'loadbalancer'),
            pod('d-lb-1', 'loadbalancer'),
            pod('d-worker-0', 'worker'),
            pod('d-postgresql-0', 'postgresql'),
          ],
          vipHolder: 'd-lb-1',
          mysqlPrimary: 'd-mysql-0',
        }),
      ),
    ).toEqual([
      ['d-lb-0', 'standby', 'UP'],
      ['d-lb-1', 'active', 'UP'],
      ['d-mysql-0', 'primary', 'UP'],
      ['d-mysql-1', 'standby', 'UP'],
      ['d-postgresql-0', 'active', 'UP'],
      ['d-worker-0', 'worker', 'UP'],
    ]);
  });

  it('calls down only what the dead-rule does', () => {
    expect(
      rolesOf(
        facts({
          beating: [
            pod('w0', 'worker', { dead: true, silentMs: 9_000 }),
            pod('w1', 'worker', { silentMs: 9_000 }),
            pod('w2', 'worker', { silentMs: 2_000 }),
          ],
        }),
      ),
    ).toEqual([
      ['w0', 'worker', 'DOWN'],
      ['w1', 'worker', 'UNKNOWN'],
      ['w2', 'worker', 'UP'],
    ]);
  });

  it("takes the ring's word on its members", () => {
    const ring = [
      { pod: 'c1', node: 'n1', up: true },
      { pod: 'c2', node: 'n2', up: false },
      { pod: 'c3', node: 'n3', up: undefined },
    ];
    expect(rolesOf(facts({ ring }))).toEqual([
      ['c1', 'member', 'UP'],
      ['c2', 'member', 'DOWN'],
      ['c3', 'member', 'UNKNOWN'],
    ]);
  });

  it('leaves out what it does not know', () => {
    expect(fabricNodes(facts({ beating: [pod('x', 'something-new')] }))).toEqual([]);
  });
});
