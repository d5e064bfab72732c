import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../tests/support/directory.ts';
import { makeDirectory } from './files.ts';

test('a directory is made with those above it, and one that is there stays', () => {
  using temp = temporaryDirectory();
  const dir = join(temp.path, 'a', 'b', 'c');
  makeDirectory(dir);
  writeFileSync(join(dir, 'file'), '');
  makeDirectory(dir);
  expect(statSync(join(dir, 'file')).isFile()).toBe(true);
});

test('a link to a directory is one', () => {
  using temp = temporaryDirectory();
  mkdirSync(join(temp.path, 'there'));
  symlinkSync(join(temp.path, 'there'), join(temp.path, 'link'));
  makeDirectory(join(temp.path, 'link'));
  makeDirectory(join(temp.path, 'link', 'data'));
  expect(statSync(join(temp.path, 'there', 'data')).isDirectory()).toBe(true);
});

test.each([
  ['at a file', 'file', 'EEXIST'],
  ['below a file', 'file/data', 'ENOTDIR'],
  ['at a link that leads nowhere', 'nowhere', 'EEXIST'],
  ['below a link that leads nowhere', 'nowhere/data', 'EEXIST'],
])('%s none is made, and it is said why', (_, path, code) => {
  using temp = temporaryDirectory();
  writeFileSync(join(temp.path, 'file'), '');
  symlinkSync(join(temp.path, 'gone'), join(temp.path, 'nowhere'));
  expect(() => makeDirectory(join(temp.path, path))).toThrow(expect.objectContaining({ code }));
});
