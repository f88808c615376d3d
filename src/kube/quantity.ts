// Kubernetes quantities ("500m", "2Gi", "1e3") as numbers, so that amounts can be compared. The one parser of them.
import { TerminalError } from '../errors.ts';

const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['k', 'M', 'G', 'T', 'P', 'E'];
/** Divisors, not factors: 100 / 1000 is exactly the number that "0.1" is, 100 * 0.001 need not be. */
const FRACTIONS: ReadonlyMap<string, number> = new Map([
  ['n', 1e9],
  ['u', 1e6],
  ['m', 1e3],
]);
const SHAPE = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/**
 * The value of a quantity in its base unit (cores, bytes): "1500m" is 1.5, "1Ki" is 1024. Exact up to 2^53.
 * @throws TerminalError `InvalidQuantity` when the text is no quantity
 */
export function parseQuantity(text: string): number {
  const match = SHAPE.exec(text);
  if (match === null)
    throw new TerminalError('InvalidQuantity', `"${text}" is not a quantity such as 500m, 2 or 10Gi`);
  const [, digits = '', exponent = '', suffix = ''] = match;
  const value = Number(digits + exponent);
  const divisor = FRACTIONS.get(suffix);
  if (divisor !== undefined) return value / divisor;
  if (suffix.endsWith('i')) return value * 1024 ** (BINARY.indexOf(suffix) + 1);
  return value * 1000 ** (DECIMAL.indexOf(suffix) + 1);
}
