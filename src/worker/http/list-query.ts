// The query language of all lists: `paging=(start eq 0, limit eq 20)`, `sortby=(name(descending))`,
// `filter=((role eq 'primary') and (status ne 'UP'))`. Pure: text in, a checked query out.
import { RequestError } from './problem.ts';

export interface ListParameters {
  readonly paging?: string;
  readonly sortby?: string;
  readonly filter?: string;
}

const OPERATORS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
type Operator = (typeof OPERATORS)[number];

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | {
      readonly kind: 'compare';
      readonly field: string;
      readonly operator: Operator;
      readonly value: string | number;
    };

export interface ListQuery {
  readonly start: number;
  readonly limit: number;
  readonly sort?: { readonly field: string; readonly descending: boolean };
  readonly filter?: Filter;
}

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;
const MAX_TEXT = 2_000;
const MAX_DEPTH = 20;

/**
 * @param fields what may be sorted and filtered by
 * @throws RequestError 400 naming the parameter, what was found and what is allowed
 */
export function parseListQuery(parameters: ListParameters, fields: readonly string[]): ListQuery {
  const sort = parameters.sortby === undefined ? undefined : parseSort(parameters.sortby, fields);
  const filter = parameters.filter === undefined ? undefined : parseFilter(parameters.filter, fields);
  return {
    ...(parameters.paging === undefined
      ? { start: 0, limit: DEFAULT_LIMIT }
      : parsePaging(parameters.paging)),
    ...(sort === undefined ? {} : { sort }),
    ...(filter === undefined ? {} : { filter }),
  };
}

function parsePaging(text: string): { readonly start: number; readonly limit: number } {
  const match = /^\s*\(\s*start\s+eq\s+(\d{1,9})\s*,\s*limit\s+eq\s+(\d{1,9})\s*\)\s*$/.exec(text);
  if (match === null) throw wrong('paging', `must be like (start eq 0, limit eq 20), not ${quote(text)}`);
  const [start, limit] = [Number(match[1]), Number(match[2])];
  if (limit < 1 || limit > MAX_LIMIT)
    throw wrong('paging', `limit must be from 1 to ${MAX_LIMIT}, not ${limit}`);
  return { start, limit };
}

function parseSort(text: string, fields: readonly string[]): NonNullable<ListQuery['sort']> {
  const match = /^\s*\(\s*([\w-]+)\s*\(\s*(ascending|descending)\s*\)\s*\)\s*$/.exec(text);
  if (match === null) throw wrong('sortby', `must be like (name(ascending)), not ${quote(text)}`);
  return { field: knownField('sortby', match[1] ?? '', fields), descending: match[2] === 'descending' };
}

const TOKEN = /\s*(?:([()])|'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)(?![\w-])|([\w-]+))/y;

type Token =
  | { readonly kind: '(' | ')' }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'value'; readonly value: string | number };

/** filter := '(' filter (('and' | 'or') filter)* ')' | '(' FIELD OPERATOR VALUE ')' */
function parseFilter(text: string, fields: readonly string[]): Filter {
  const tokens = tokenize(text);
  let position = 0;
  const fail = (expected: string): RequestError => wrong('filter', `expected ${expected} in ${quote(text)}`);
  const expect = (kind: '(' | ')'): void => {
    if (tokens[position]?.kind !== kind) throw fail(`'${kind}'`);
    position += 1;
  };
  const word = (expected: string): string => {
    const token = tokens[position];
    if (token?.kind !== 'word') throw fail(expected);
    position += 1;
    return token.text;
  };
  const comparison = (): Filter => {
    const field = knownField('filter', word('a field'), fields);
    const name = word(`one of ${OPERATORS.join(', ')}`);
    const operator = OPERATORS.find((each) => each === name);
    if (operator === undefined) throw fail(`one of ${OPERATORS.join(', ')}`);
    const token = tokens[position];
    if (token?.kind !== 'value') throw fail(`a number or a text in single quotes after ${operator}`);
    position += 1;
    return { kind: 'compare', field, operator, value: token.value };
  };
  const group = (depth: number): Filter => {
    if (depth > MAX_DEPTH) throw wrong('filter', `is nested deeper than ${MAX_DEPTH}`);
    expect('(');
    let left = tokens[position]?.kind === '(' ? group(depth + 1) : comparison();
    while (tokens[position]?.kind === 'word') {
      const kind = word("'and' or 'or'");
      if (kind !== 'and' && kind !== 'or') throw fail("'and' or 'or'");
      left = { kind, left, right: group(depth + 1) };
    }
    expect(')');
    return left;
  };
  const filter = group(0);
  if (position !== tokens.length) throw fail('the end');
  return filter;
}

function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_TEXT) throw wrong('filter', `is longer than ${MAX_TEXT} characters`);
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw wrong('filter', `cannot be read from ${quote(text.slice(at))} on`);
    const [, bracket, quoted, number, word] = match;
    if (bracket === '(' || bracket === ')') tokens.push({ kind: bracket });
    else if (quoted !== undefined) tokens.push({ kind: 'value', value: quoted.replaceAll("''", "'") });
    else if (number !== undefined) tokens.push({ kind: 'value', value: Number(number) });
    else tokens.push({ kind: 'word', text: word ?? '' });
  }
  return tokens;
}

function knownField(parameter: string, field: string, fields: readonly string[]): string {
  if (!fields.includes(field)) {
    throw wrong(parameter, `knows no field ${quote(field)}; there are ${fields.join(', ')}`);
  }
  return field;
}

function wrong(parameter: string, detail: string): RequestError {
  return new RequestError(400, `${parameter} ${detail}`, { errors: [{ field: parameter, detail }] });
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** The same query as every list's OpenAPI parameters. */
export const LIST_PARAMETERS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    paging: { type: 'string', description: '(start eq 0, limit eq 20)', maxLength: 100 },
    sortby: { type: 'string', description: '(name(ascending)) or (name(descending))', maxLength: 200 },
    filter: {
      type: 'string',
      description: "((role eq 'primary') and (status ne 'UP')); operators eq, ne, lt, le, gt, ge; and, or",
      maxLength: MAX_TEXT,
    },
  },
} as const;
