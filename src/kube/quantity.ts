// Kubernetes quantities ('500m', '2Gi', '1e3'): parsed exactly, compared by value. Pure.
import { ConfigError } from '../errors.ts';

const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};

const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d{1,3})$/;

/** The API server keeps nothing finer than this many decimals. */
const SCALE = 9;

/** In billionths, rounded up as the API server does; undefined for what is no quantity. */
export function quantityInNano(text: string): bigint | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const factor = BINARY[suffix] ?? 1n;
  const exponent = DECIMAL_EXPONENT[suffix] ?? (factor === 1n ? Number(suffix.slice(1)) : 0);
  const digits = BigInt(whole + fraction) * factor;
  const shift = SCALE + exponent - fraction.length;
  const nano = shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -nano : nano;
}

/**
 * In plain units (cores, bytes).
 * @throws ConfigError for what is no quantity; the API server lets none through
 */
export function parseQuantity(text: string): number {
  const nano = quantityInNano(text);
  if (nano === undefined) throw new ConfigError(`${JSON.stringify(text)} is no quantity such as 500m or 2Gi`);
  return Number(nano) / 10 ** SCALE;
}

/** `1000m` is `1`, `2Gi` is `2147483648`. False when either is no quantity. */
export function sameQuantity(a: string, b: string): boolean {
  const left = quantityInNano(a);
  return left !== undefined && left === quantityInNano(b);
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
