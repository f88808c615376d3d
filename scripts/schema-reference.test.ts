import { describe, expect, it } from '@jest/globals';
import { fieldTable } from './schema-reference.ts';

describe('fieldTable', () => {
  it('has a row for each field, not for the groups above it', () => {
    const table = fieldTable('spec', {
      type: 'object',
      required: ['vip'],
      properties: {
        vip: {
          type: 'object',
          description: 'A group.',
          required: ['address'],
          properties: {
            address: { type: 'string', description: 'The address, a | b.' },
            check: { type: 'string', enum: ['On', 'Off'], default: 'On' },
          },
        },
        replicas: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
        members: { type: 'array', items: { type: 'object', properties: { ready: { type: 'boolean' } } } },
      },
    });
    expect(table.split('\n').slice(2)).toEqual([
      '| `spec.vip.address` | string | required | The address, a \\| b. |',
      '| `spec.vip.check` | `On`, `Off` | `On` |  |',
      '| `spec.replicas` | integer, 1 to 9 | `3` |  |',
      '| `spec.members` | list |  |  |',
      '| `spec.members[].ready` | boolean |  |  |',
    ]);
  });
});
