// TypeScript types out of a structural schema (the subset of OpenAPI v3 that a CRD may use). Pure: schema in, source text out.
// Every property is readonly. A property that is required or has a default is always there once the API server has stored the object.

/** The parts of a structural schema that have a meaning as a type; the rest (bounds, CEL rules) has none. */
export interface Schema {
  readonly type?: string;
  /** Names the type: it becomes an exported interface of its own. */
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly default?: unknown;
}

/** Source text of one interface per titled schema below `roots`, in the order in which they are first met. */
export function typesOf(roots: readonly Schema[]): string {
  const declared = new Map<string, string>();
  for (const root of roots) typeOf(root, declared);
  return [...declared.values()].join('\n\n');
}

function typeOf(schema: Schema, declared: Map<string, string>): string {
  switch (schema.type) {
    case 'string':
      return schema.enum === undefined ? 'string' : schema.enum.map((word) => `'${word}'`).join(' | ');
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      if (schema.items === undefined) throw new Error('an array without items');
      return `readonly (${typeOf(schema.items, declared)})[]`;
    case 'object':
      return objectType(schema, declared);
    case undefined:
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

function objectType(schema: Schema, declared: Map<string, string>): string {
  const { title, properties } = schema;
  if (properties === undefined) throw new Error(`an object without properties: ${JSON.stringify(schema)}`);
  if (title !== undefined && declared.has(title)) return title;
  if (title !== undefined) declared.set(title, '');
  const body = Object.entries(properties)
    .map(([name, property]) => {
      const always = schema.required?.includes(name) === true || property.default !== undefined;
      return `${doc(property)}readonly ${name}${always ? '' : '?'}: ${typeOf(property, declared)};`;
    })
    .join('\n');
  if (title === undefined) return `{\n${body}\n}`;
  declared.set(title, `${doc(schema)}export interface ${title} {\n${body}\n}`);
  return title;
}

function doc({ description }: Schema): string {
  return description === undefined ? '' : `/** ${description.trim().replaceAll('*/', '* /')} */\n`;
}
