import { describe, expect, it } from '@jest/globals';
import { typesOf } from './schema-types.ts';

describe('typesOf', () => {
  it('makes a property optional only when it is neither required nor defaulted', () => {
    const text = typesOf([
      {
        title: 'Spec',
        type: 'object',
        required: ['a'],
        properties: {
          a: { type: 'string' },
          b: { type: 'integer', default: 3 },
          c: { type: 'boolean', description: 'Why.' },
        },
      },
    ]);
    expect(text).toBe(
      'export interface Spec {\nreadonly a: string;\nreadonly b: number;\n/** Why. */\nreadonly c?: boolean;\n}',
    );
  });

  it('declares a titled schema once, however often it is used', () => {
    const storage = { title: 'Storage', type: 'object', properties: { size: { type: 'string' } } };
    const text = typesOf([
      {
        title: 'Spec',
        type: 'object',
        properties: { a: storage, list: { type: 'array', items: storage } },
      },
    ]);
    expect(text.match(/interface Storage/g)).toHaveLength(1);
    expect(text).toContain('readonly list?: readonly (Storage)[];');
  });

  it('turns an enum into a union of its words', () => {
    const text = typesOf([
      { title: 'S', type: 'object', properties: { p: { type: 'string', enum: ['A', 'B'] } } },
    ]);
    expect(text).toContain("readonly p?: 'A' | 'B';");
  });

  it('refuses what it has no type for', () => {
    expect(() => typesOf([{ title: 'S', type: 'object', properties: { p: { type: 'object' } } }])).toThrow(
      'an object without properties',
    );
    expect(() => typesOf([{ title: 'S', type: 'object', properties: { p: {} } }])).toThrow('no type');
  });
});
