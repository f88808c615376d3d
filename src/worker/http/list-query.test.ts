// The query language: what it accepts, and that whatever it does not is refused by name and never crashes.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DEFAULT_LIMIT, parseListQuery } from './list-query.ts';
import type { ListParameters } from './list-query.ts';
import { pageOf } from './page.ts';
import { RequestError } from './problem.ts';

const FIELDS = ['name', 'role', 'size'];
const parse = (parameters: ListParameters) => parseListQuery(parameters, FIELDS);

const ITEMS = [
  { name: 'a', role: 'primary', size: 3 },
  { name: 'b', role: 'standby', size: 20 },
  { name: "it's", role: 'standby', size: 1 },
] as const;

const namesOf = (parameters: ListParameters) =>
  pageOf<(typeof ITEMS)[number]>(ITEMS, parse(parameters), (item, field) =>
    field === 'size' ? item.size : field === 'role' ? item.role : item.name,
  ).items.map((item) => item.name);

describe('parseListQuery', () => {
  it('has defaults', () => {
    expect(parse({})).toEqual({ start: 0, limit: DEFAULT_LIMIT });
  });

  it.each<readonly [ListParameters, readonly string[]]>([
    [{ paging: '(start eq 1, limit eq 1)' }, ['b']],
    [{ sortby: '(size(ascending))' }, ["it's", 'a', 'b']],
    [{ sortby: '(name(descending))' }, ["it's", 'b', 'a']],
    [{ filter: "(role eq 'standby')" }, ['b', "it's"]],
    [{ filter: "(name eq 'it''s')" }, ["it's"]],
    [{ filter: '(size ge 3)' }, ['a', 'b']],
    [{ filter: "((role eq 'standby') and (size lt 5))" }, ["it's"]],
    [{ filter: "((size gt 10) or (role ne 'standby'))" }, ['a', 'b']],
    [{ filter: "( ( (size gt 10) or (size lt 2) ) and (role eq 'standby') )" }, ['b', "it's"]],
    [{ filter: '(size gt 2)', sortby: '(size(descending))', paging: '(start eq 0, limit eq 1)' }, ['b']],
  ])('%j', (parameters, expected) => {
    expect(namesOf(parameters)).toEqual(expected);
  });

  it.each<readonly [string, ListParameters, RegExp]>([
    ['paging', { paging: 'start=1' }, /like \(start eq 0, limit eq 20\)/],
    ['paging', { paging: '(start eq 0, limit eq 0)' }, /from 1 to/],
    ['paging', { paging: '(start eq 0, limit eq 99999)' }, /from 1 to/],
    ['sortby', { sortby: 'name' }, /like/],
    ['sortby', { sortby: '(secret(ascending))' }, /no field "secret"; there are name, role, size/],
    ['filter', { filter: "(secret eq 'x')" }, /no field "secret"/],
    ['filter', { filter: "(name like 'x')" }, /one of eq/],
    ['filter', { filter: '(name eq x)' }, /single quotes/],
    ['filter', { filter: "(name eq 'x'" }, /expected '\)'/],
    ['filter', { filter: "(name eq 'x') (name eq 'y')" }, /the end/],
    ['filter', { filter: "((name eq 'x') xor (name eq 'y'))" }, /'and' or 'or'/],
    ['filter', { filter: "(name eq '" }, /cannot be read/],
    ['filter', { filter: `${'('.repeat(50)}name eq 'x'${')'.repeat(50)}` }, /nested deeper/],
  ])('refuses a wrong %s: %j', (field, parameters, message) => {
    let caught: unknown;
    try {
      parse(parameters);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(RequestError);
    expect(caught).toMatchObject({ status: 400, errors: [{ field }] });
    expect(String(caught)).toMatch(message);
  });

  it('answers any text by a query or a refusal', () => {
    const words = ['(', ')', "'", 'name', 'eq', 'and', 'or', '1', '-', ' ', "'x'", 'size', '\u{1F600}'];
    const text = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (filter) => {
        try {
          parse({ filter });
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
        }
      }),
    );
  });
});
