import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../kernel/errors.ts';
import { parentsFirst, requireGraph } from './graph.ts';
import type { Step } from './state.ts';

const step = (key: string, more: Partial<Step> = {}): Step => ({ key, title: key, ...more });

/** What is wrong with these steps: a refusal, or nothing. */
function fault(steps: readonly Step[]): Refusal | undefined {
  try {
    requireGraph(steps);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

describe('keys', () => {
  test('one that is there twice is named where it is there again', () => {
    const refusal = fault([step('a'), step('b'), step('a'), step('a')]);
    expect(refusal?.code).toBe('invalid_input');
    expect(refusal?.options.errors).toEqual([
      { pointer: '/tasks/2/key', detail: '"a" is there twice' },
      { pointer: '/tasks/3/key', detail: '"a" is there twice' },
    ]);
  });

  test('those of no step are all named, where they stand', () => {
    const refusal = fault([
      step('a', { blocked_by: ['b', 'x'], parent: 'y' }),
      step('b', { blocked_by: ['toString'] }),
    ]);
    expect(refusal?.code).toBe('invalid_input');
    expect(refusal?.options.errors).toEqual([
      { pointer: '/tasks/0/blocked_by/1', detail: 'there is no step "x"' },
      { pointer: '/tasks/0/parent', detail: 'there is no step "y"' },
      { pointer: '/tasks/1/blocked_by/0', detail: 'there is no step "toString"' },
    ]);
  });
});

describe('cycles', () => {
  test.each([
    ['a step that waits for itself', [step('a', { blocked_by: ['a'] })], ['a', 'a']],
    ['a step that is a part of itself', [step('a', { parent: 'a' })], ['a', 'a']],
    [
      'steps that wait for each other, which others wait for',
      [
        step('z', { blocked_by: ['a'] }),
        step('a', { blocked_by: ['b'] }),
        step('b', { blocked_by: ['c'] }),
        step('c', { blocked_by: ['a'] }),
      ],
      ['a', 'b', 'c', 'a'],
    ],
    [
      'steps that are parts of each other',
      [step('a', { parent: 'b' }), step('b', { parent: 'c' }), step('c', { parent: 'a' })],
      ['a', 'b', 'c', 'a'],
    ],
  ])('%s are refused and named', (_, steps, cycle) => {
    const refusal = fault(steps);
    expect(refusal?.code).toBe('dependency_cycle');
    expect(refusal?.options.extra).toEqual({ cycle });
    expect(refusal?.message).toContain(cycle.join(' → '));
  });

  test('waiting for the step that it is a part of makes none', () => {
    expect(fault([step('a'), step('b', { parent: 'a', blocked_by: ['a'] })])).toBeUndefined();
  });

  test('steps are refused where there is a way back to one of them, and nowhere else', () => {
    const edges = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 9 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const waits = (from: number) => pairs.filter(([a]) => a === from).map(([, b]) => b);
        const reached = (from: number) => {
          let all = new Set(waits(from));
          for (let i = 0; i < 6; i++) all = new Set([...all, ...[...all].flatMap(waits)]);
          return all;
        };
        const cyclic = [0, 1, 2, 3, 4, 5].some((at) => reached(at).has(at));
        const steps = [0, 1, 2, 3, 4, 5].map((at) => step(`s${at}`, { blocked_by: waits(at).map((to) => `s${to}`) }));
        const refusal = fault(steps);
        expect(refusal?.code).toBe(cyclic ? 'dependency_cycle' : undefined);
        // What is named is a cycle.
        const named = (refusal?.options.extra?.cycle ?? []) as string[];
        for (const [i, key] of named.slice(1).entries())
          expect(steps.find((each) => each.key === named[i])?.blocked_by).toContain(key);
        if (cyclic) expect(named.at(-1)).toBe(named[0]);
      }),
      { numRuns: 500 },
    );
  });

  test('a hundred steps, each of which waits for all before it, are none', () => {
    const keys = Array.from({ length: 100 }, (_, i) => `s${i}`);
    expect(fault(keys.map((key, i) => step(key, { blocked_by: keys.slice(0, i) })))).toBeUndefined();
    expect(fault(keys.map((key, i) => step(key, { blocked_by: [keys[(i + 1) % 100] as string] })))?.code).toBe(
      'dependency_cycle',
    );
  });
});

test('parents stand before their parts, and everything else as it was', () => {
  const steps = [
    step('leaf', { parent: 'twig' }),
    step('x'),
    step('twig', { parent: 'root' }),
    step('root'),
    step('y'),
  ];
  expect(parentsFirst(steps).map(({ key }) => key)).toEqual(['root', 'twig', 'leaf', 'x', 'y']);
});
