// Applies a list query to items that are all in memory. Pure.
import { assertNever } from '../../errors.ts';
import type { Filter, ListQuery } from './list-query.ts';

export interface Page<T> {
  /** How many items match, on all pages. */
  readonly total: number;
  readonly start: number;
  readonly items: readonly T[];
}

type Scalar = string | number | boolean | undefined;

/** @param valueOf the value of one of the fields that the query was parsed with */
export function pageOf<T>(
  items: readonly T[],
  query: ListQuery,
  valueOf: (item: T, field: string) => Scalar,
): Page<T> {
  const { filter, sort } = query;
  const matching =
    filter === undefined ? items : items.filter((item) => matches(filter, (field) => valueOf(item, field)));
  const sorted =
    sort === undefined
      ? matching
      : matching.toSorted(
          (left, right) =>
            compare(valueOf(left, sort.field), valueOf(right, sort.field)) * (sort.descending ? -1 : 1),
        );
  return {
    total: sorted.length,
    start: query.start,
    items: sorted.slice(query.start, query.start + query.limit),
  };
}

function matches(filter: Filter, valueOf: (field: string) => Scalar): boolean {
  switch (filter.kind) {
    case 'and':
      return matches(filter.left, valueOf) && matches(filter.right, valueOf);
    case 'or':
      return matches(filter.left, valueOf) || matches(filter.right, valueOf);
    case 'compare': {
      const order = compare(valueOf(filter.field), filter.value);
      return {
        eq: order === 0,
        ne: order !== 0,
        lt: order < 0,
        le: order <= 0,
        gt: order > 0,
        ge: order >= 0,
      }[filter.operator];
    }
    default:
      return assertNever(filter);
  }
}

/** Numbers by size, all else as text; what is missing comes first. */
function compare(left: Scalar, right: Scalar): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [one, other] = [String(left ?? ''), String(right ?? '')];
  return one < other ? -1 : Number(one > other);
}

/** The schema of a page of `item`. */
export function pageSchema(item: object): object {
  return {
    type: 'object',
    required: ['total', 'start', 'items'],
    properties: {
      total: { type: 'integer', description: 'how many match, on all pages' },
      start: { type: 'integer' },
      items: { type: 'array', items: item },
    },
  };
}
