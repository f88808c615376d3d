// The order of statements is what keeps a ring readable and its stock superuser closed: tables, and a model of the copies.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { copiesOf, plan, spreadAfter } from './settlement.ts';
import type { RingSeen, Settlement, Spread, Step } from './settlement.ts';

const wanted: Settlement = {
  superuser: { username: 'space_admin', password: 'own' },
  application: { username: 'space', password: "it's" },
  keyspace: 'space',
  replication: 3,
};

const told = (steps: readonly Step[]) =>
  steps.map((step) => (step.kind === 'sweep' ? `sweep ${step.keyspace} at ${step.copies}` : step.what));

describe('plan', () => {
  it('on a fresh ring makes its own superuser and nothing else', () => {
    const seen: RingSeen = { as: 'stock', roles: ['cassandra'], replication: { system_auth: 1 } };
    expect(told(plan(seen, wanted, {}))).toEqual([
      'raise system_auth to 3 copies',
      'create role space_admin',
    ]);
  });

  it('then closes the stock one, and makes the keyspace before the role that is granted it', () => {
    const seen: RingSeen = {
      as: 'superuser',
      roles: ['cassandra', 'space_admin'],
      replication: { system_auth: 3 },
    };
    expect(told(plan(seen, wanted, {}))).toEqual([
      'sweep system_auth at 3',
      'disable the stock superuser',
      'create keyspace space',
      'sweep space at 3',
      'create role space',
      'grant the keyspace to space',
    ]);
  });

  it('never alters the role it is logged in as: Cassandra refuses that', () => {
    const seen: RingSeen = { as: 'superuser', roles: ['space_admin'], replication: { system_auth: 3 } };
    expect(JSON.stringify(plan(seen, wanted, {}))).not.toContain('ROLE \\"space_admin\\"');
  });

  it('grows one copy at a time, each swept before the next', () => {
    const seen: RingSeen = {
      as: 'superuser',
      roles: ['space_admin', 'space'],
      replication: { system_auth: 1, space: 1 },
    };
    expect(told(plan(seen, wanted, { system_auth: 1, space: 1 })).slice(0, 8)).toEqual([
      'raise system_auth to 2 copies',
      'sweep system_auth at 2',
      'raise system_auth to 3 copies',
      'sweep system_auth at 3',
      'raise space to 2 copies',
      'sweep space at 2',
      'raise space to 3 copies',
      'sweep space at 3',
    ]);
  });

  it('goes on with the sweep that a run cut short left over', () => {
    const seen: RingSeen = {
      as: 'superuser',
      roles: ['space_admin', 'space'],
      replication: { system_auth: 3, space: 2 },
    };
    expect(told(plan(seen, wanted, { system_auth: 3, space: 1 })).slice(0, 3)).toEqual([
      'sweep space at 2',
      'raise space to 3 copies',
      'sweep space at 3',
    ]);
  });

  it('never lowers the copies', () => {
    const seen: RingSeen = {
      as: 'superuser',
      roles: ['space_admin', 'space'],
      replication: { system_auth: 3, space: 3 },
    };
    const one = { ...wanted, replication: 1 };
    expect(told(plan(seen, one, { system_auth: 3, space: 3 }))).toEqual([
      'alter role space',
      'grant the keyspace to space',
    ]);
  });

  it('quotes what it is given', () => {
    const seen: RingSeen = { as: 'superuser', roles: ['space_admin'], replication: { system_auth: 3 } };
    expect(plan(seen, wanted, {})).toContainEqual({
      kind: 'execute',
      what: 'create role space',
      statement: `CREATE ROLE IF NOT EXISTS "space" WITH PASSWORD = 'it''s' AND LOGIN = true AND SUPERUSER = false`,
    });
  });

  it('at no moment asks a quorum that may hold no copy, wherever a run is cut short', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.nat({ max: 6 }), { maxLength: 8 }),
        (start, cuts) => {
          // `full`: replicas that hold every row. Each run is cut after so many steps, then the next begins.
          const ring = { copies: start, full: start };
          let spread: Spread = { space: start, system_auth: 3 };
          for (const cut of [...cuts, 99]) {
            const seen: RingSeen = {
              as: 'superuser',
              roles: ['space_admin', 'space'],
              replication: { system_auth: 3, space: ring.copies },
            };
            for (const step of plan(seen, wanted, spread).slice(0, cut)) {
              if (step.kind === 'sweep') ring.full = ring.copies;
              else if (step.what.startsWith('raise')) ring.copies += 1;
              spread = spreadAfter(spread, step);
              const quorum = Math.floor(ring.copies / 2) + 1;
              expect(quorum + ring.full).toBeGreaterThan(ring.copies);
            }
          }
          expect(ring).toEqual({ copies: 3, full: 3 });
        },
      ),
    );
  });
});

describe('copiesOf', () => {
  it.each([
    [{ class: 'org.apache.cassandra.locator.NetworkTopologyStrategy', dc1: '3' }, 3],
    [{ class: 'org.apache.cassandra.locator.SimpleStrategy', replication_factor: '1' }, 1],
    [{ class: 'org.apache.cassandra.locator.LocalStrategy' }, 1],
  ])('%j', (replication, copies) => {
    expect(copiesOf(replication)).toBe(copies);
  });
});
