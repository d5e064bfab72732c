import { describe, expect, test } from 'vitest';
import { contentWords, readSearchSet, sharedWords } from '../bench/support/search-set.ts';

const set = readSearchSet();
const text = new Map(set.documents.map((document) => [document.id, document.text]));

describe('the evaluation set of search', () => {
  test('is large enough to mean something', () => {
    expect(set.documents.length).toBeGreaterThanOrEqual(300);
    expect(set.paraphrases.length).toBeGreaterThanOrEqual(100);
    expect(set.keywords.length).toBeGreaterThanOrEqual(30);
    expect(set.identifiers.length).toBeGreaterThanOrEqual(80);
    expect(text.size).toBe(set.documents.length);
    expect(new Set(text.values()).size).toBe(set.documents.length);
  });

  test('has paraphrases that share no content word with their document', () => {
    const wrong = set.paraphrases
      .map(({ query, document }) => [document, query, ...sharedWords(query, text.get(document) as string)])
      .filter(({ length }) => length > 2);
    expect(wrong).toEqual([]);
    for (const { query } of set.paraphrases) expect(contentWords(query).size, query).toBeGreaterThan(0);
  });

  test('has keywords that are words of their document, all of them', () => {
    for (const { query, document } of set.keywords) {
      const words = contentWords(text.get(document) as string);
      expect([...contentWords(query)].filter((word) => !words.has(word))).toEqual([]);
    }
  });

  test('has identifiers that stand in one document alone', () => {
    const escaped = (word: string) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    const holders = (word: string) => {
      const whole = new RegExp(`(?<![\\w-])${escaped(word)}(?![\\w]|-\\w)`);
      return set.documents.filter((each) => whole.test(each.text)).map(({ id }) => id);
    };
    for (const { query, document } of set.identifiers)
      expect(query.split(' ').map(holders), query).toContainEqual([document]);
  });
});

test('the check of paraphrases sees through endings and accents', () => {
  expect(sharedWords('deploying résumés', 'We deploy a resume.')).toEqual(['deplo', 'resum']);
  expect(sharedWords('it was stopped', 'stopping is nice')).toEqual(['stop']);
  expect(sharedWords('why is it slow', 'the cat is here')).toEqual([]);
});
