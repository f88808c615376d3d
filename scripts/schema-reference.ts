// A table of fields out of a structural schema, for docs/reference.md. Pure: schema in, Markdown out.
import type { Schema } from './schema-types.ts';

/** What a reader of the reference wants to know beside the type. */
interface Bounded extends Schema {
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Bounded>>;
  readonly items?: Bounded;
}

/** One row for each field below `schema` that is no mere group, in the schema's order. */
export function fieldTable(path: string, schema: Bounded): string {
  const rows = rowsOf(path, schema).map((cells) => `| ${cells.map(escape).join(' | ')} |`);
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

type Row = readonly [field: string, type: string, fallback: string, meaning: string];

function rowsOf(path: string, schema: Bounded): readonly Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const field = `${path}.${name}`;
    const required = schema.required?.includes(name) === true;
    const own: Row = [`\`${field}\``, typeOf(child), defaultOf(child, required), child.description ?? ''];
    const inner = child.type === 'array' ? rowsOf(`${field}[]`, child.items ?? {}) : rowsOf(field, child);
    return child.type === 'object' ? inner : [own, ...inner];
  });
}

function typeOf({ type, enum: words, minimum, maximum, format }: Bounded): string {
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) return `${type}, ${minimum} to ${maximum}`;
  return type === 'array' ? 'list' : format === 'date-time' ? 'time' : (type ?? '');
}

function defaultOf(schema: Bounded, required: boolean): string {
  if (schema.default !== undefined)
    return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``;
  return required ? 'required' : '';
}

function escape(text: string): string {
  return text.trim().replaceAll('|', '\\|').replaceAll('\n', ' ');
}
