// Rows as a database hands them over, and their columns checked on the way out.
import { EngineError } from '../../errors.ts';

export type Row = Readonly<Record<string, unknown>>;

/** @throws EngineError when the column is no text: the code and the schema are not of one version */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw wrongType(column, 'text', value);
  return value;
}

/** @throws EngineError when the column is no number */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw wrongType(column, 'number', value);
  return value;
}

/** @throws EngineError when the column is no date */
export function dateOf(row: Row, column: string): Date {
  const value = row[column];
  if (!(value instanceof Date)) throw wrongType(column, 'date', value);
  return value;
}

function wrongType(column: string, wanted: string, value: unknown): EngineError {
  return new EngineError(`column ${column} is of type ${typeof value}, wanted: ${wanted}`);
}
