// One key of a mounted Secret: there, and not empty.
import { readFile } from 'node:fs/promises';
import { EngineError, messageOf } from '../../errors.ts';

/** @throws EngineError when the Secret does not have the key, or nothing in it */
export async function readCredential(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new EngineError(`a mounted Secret lacks a key: ${messageOf(error)}`);
  }
  if (text === '') throw new EngineError(`a mounted Secret has nothing in ${file}`);
  return text;
}
