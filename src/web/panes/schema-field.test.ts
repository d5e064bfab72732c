import { describe, expect, test } from 'vitest';
import { choicesOf, kindOf, readField, type Schema } from './schema-field.ts';

const FLAG: Schema = { anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['0', '1', 'true', 'false', ''] }] };
const NUMBER: Schema = { anyOf: [{ type: 'number' }, { type: 'string' }] };
const LIST: Schema = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
const CHOICE: Schema = { anyOf: [{ type: 'string', enum: ['P0', 'P1'] }, { type: 'null' }] };
const OBJECT: Schema = { type: 'object' };

describe('a field of a form', () => {
  test.each([
    ['takeover', FLAG, 'flag', 'true', true],
    ['ttl', NUMBER, 'number', ' 60 ', 60],
    ['tags', LIST, 'list', 'a, b\n c \n', ['a, b', 'c']],
    ['priority', CHOICE, 'choice', 'P0', 'P0'],
    ['metadata', OBJECT, 'json', '{"a":1}', { a: 1 }],
    ['result', {}, 'json', 'plain words', 'plain words'],
    ['title', { type: 'string' }, 'text', ' x ', 'x'],
    ['content', { type: 'string' }, 'long', '  indented\n', '  indented\n'],
  ] as const)('%s is asked for and read as its schema says', (name, schema, kind, given, value) => {
    expect(kindOf(name, schema as Schema)).toBe(kind);
    expect(readField(kind, schema as Schema, given)).toEqual(value);
    expect(readField(kind, schema as Schema, ' ')).toBeUndefined();
  });

  test('that must be JSON and is none is refused', () => {
    expect(() => readField('json', OBJECT, '{')).toThrow('This must be JSON.');
  });

  test('has the choices of its schema', () => {
    expect(choicesOf(CHOICE)).toEqual(['P0', 'P1']);
  });
});
