import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { lines } from './lines.ts';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

it('gives the same lines wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => JSON.stringify(text))),
      fc.array(fc.nat({ max: 7 })),
      fc.boolean(),
      async (texts, sizes, closed) => {
        const bytes = Buffer.from(texts.join('\n') + (closed ? '\n' : ''), 'utf8');
        const seen: string[] = [];
        for await (const line of lines(cut(bytes, sizes))) seen.push(line);
        expect(seen).toEqual(texts);
      },
    ),
  );
});
