// The direction check must be able to fail: one planted violation of each kind.
import { describe, expect, it } from '@jest/globals';
import { violations } from './check-imports.ts';

const check = (path: string, text: string) => violations([{ path, text }]);

describe('check-imports', () => {
  it('lets allowed imports pass', () => {
    expect(
      check(
        'src/engines/mysql/agent.ts',
        "import { x } from '../../agent/agent.ts';\nimport { y } from './decide.ts';",
      ),
    ).toEqual([]);
    expect(check('src/kube/config.ts', "const k = await import('@kubernetes/client-node');")).toEqual([]);
  });

  it.each([
    [
      'an engine importing another',
      'src/engines/mysql/specs.ts',
      "import { x } from '../postgresql/specs.ts';",
      /may not import engines\/postgresql/,
    ],
    [
      'the client library outside src/kube',
      'src/agent/run.ts',
      "import { x } from '@kubernetes/client-node';",
      /only src\/kube/,
    ],
    [
      'plumbing importing the product',
      'src/runtime/queue.ts',
      "import {\n  x,\n} from '../spacecluster/scope.ts';",
      /may not import spacecluster/,
    ],
    [
      'a dynamic import against the direction',
      'src/agent/run.ts',
      "await import('../engines/mysql/agent.ts')",
      /may not import engines/,
    ],
    [
      'a driver in a pure file',
      'src/engines/mysql/decide.ts',
      "import mysql from 'mysql2/promise';",
      /pure file/,
    ],
    ['a clock in a pure file', 'src/engines/mysql/decide.ts', 'const now = Date.now();', /time as a value/],
  ])('finds %s', (_name, path, text, message) => {
    expect(check(path, text).join('\n')).toMatch(message);
  });
});
