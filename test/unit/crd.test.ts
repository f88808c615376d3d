// Rules of form for the CRD, checked without an API server: what keeps CEL's cost bounded and the types honest.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly {
    readonly rule: string;
    readonly message?: string;
    readonly messageExpression?: string;
  }[];
}

const ALLOWED = new Set(
  (
    'type title description properties items enum format pattern required default minLength maxLength maxItems minimum ' +
    'maximum x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-validations'
  ).split(' '),
);

type Visit = readonly [path: string, schema: Schema];

function walk(path: string, schema: Schema): readonly Visit[] {
  return [
    [path, schema],
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => walk(`${path}.${name}`, child)),
    ...(schema.items === undefined ? [] : walk(`${path}[]`, schema.items)),
  ];
}

let spec: readonly Visit[];
let all: readonly Visit[];

function offenders(visits: readonly Visit[], wrong: (schema: Schema) => boolean): readonly string[] {
  return visits.filter(([, schema]) => wrong(schema)).map(([path]) => path);
}

beforeAll(async () => {
  const text = await readFile('crds/spacecluster.dev_spaceclusters.yaml', 'utf8');
  const crd = parse(text, { merge: true }) as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
    };
  };
  const properties = crd.spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  spec = walk('spec', properties['spec'] ?? {});
  all = [...spec, ...walk('status', properties['status'] ?? {})];
});

describe('the schema of a SpaceCluster', () => {
  it('is structural, of the few words that the generator and this test know', () => {
    expect(all.length).toBeGreaterThan(100);
    expect(offenders(all, (schema) => !Object.keys(schema).every((key) => ALLOWED.has(key)))).toEqual([]);
    expect(offenders(all, (schema) => schema.type === undefined)).toEqual([]);
  });

  it('bounds every string and every list, so that the cost of a rule has a limit', () => {
    const free = ({ type, enum: words, format, maxLength }: Schema) =>
      type === 'string' && words === undefined && format !== 'date-time' && maxLength === undefined;
    expect(offenders(all, free)).toEqual([]);
    expect(offenders(all, ({ type, maxItems }) => type === 'array' && maxItems === undefined)).toEqual([]);
  });

  it('says how lists are merged, so that server-side apply by two writers loses nothing', () => {
    expect(
      offenders(all, (schema) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined),
    ).toEqual([]);
  });

  it('bounds every number that a user writes, and gives each its size', () => {
    expect(
      offenders(
        spec,
        ({ type, minimum, maximum }) =>
          type === 'integer' && (minimum === undefined || maximum === undefined),
      ),
    ).toEqual([]);
    expect(offenders(all, ({ type, format }) => type === 'integer' && format === undefined)).toEqual([]);
    expect(offenders(all, ({ type }) => type === 'number')).toEqual([]);
  });

  it('explains every field that a user writes', () => {
    expect(offenders(spec, ({ description }) => description === undefined)).toEqual([]);
  });

  it('gives every rule a message', () => {
    const mute = (schema: Schema) =>
      (schema['x-kubernetes-validations'] ?? []).some(
        ({ message, messageExpression }) => message === undefined && messageExpression === undefined,
      );
    expect(offenders(all, mute)).toEqual([]);
  });

  it('lets a default reach its field: every object above one is required or has a default itself', () => {
    const unreachable = (schema: Schema) =>
      Object.entries(schema.properties ?? {}).some(
        ([name, child]) =>
          child.type === 'object' &&
          child.default === undefined &&
          schema.required?.includes(name) !== true &&
          Object.values(child.properties ?? {}).some((field) => field.default !== undefined),
      );
    expect(offenders(spec, unreachable)).toEqual([]);
  });

  it('takes an object that nobody has looked at for unfinished (kstatus)', () => {
    expect(all.find(([path]) => path === 'status')?.[1].default).toEqual({ observedGeneration: -1 });
  });
});
