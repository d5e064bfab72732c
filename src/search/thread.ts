import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentSource } from '../kernel/document.ts';
import type { SearchAnswer, SearchRequest } from '../kernel/search.ts';
import { createLexical } from './lexical.ts';
import { formatResume } from './position.ts';
import { type Asked, failureOf, type Question, type Reply, type ThreadData } from './protocol.ts';
import { openReadOnly } from './read-only.ts';
import { snippetOf } from './snippet.ts';

const { file, documents } = workerData as ThreadData;
const { documents: sources } = (await import(documents)) as { documents: readonly DocumentSource[] };
const database = openReadOnly(file);
const lexical = createLexical(database, sources);

/** Reads as of one moment. */
function inOneView<R>(read: () => R): R {
  database.exec('BEGIN');
  try {
    return read();
  } finally {
    database.exec('COMMIT');
  }
}

function find(request: SearchRequest): SearchAnswer {
  const { hits, every, next } = inOneView(() => lexical.find(request));
  return {
    hits: hits.map(({ kind, id, row, score, document, terms, entity }) => ({
      kind,
      id,
      seq: (entity as { seq?: number }).seq ?? row,
      score,
      matched: 'words',
      snippet: snippetOf(document.text, terms),
      entity,
    })),
    words: every ? 'all' : 'any',
    ...(next && { next: formatResume(next) }),
    mode: 'lexical',
    pending: 0,
    ...(request.mode !== 'lexical' && { degraded: 'This server finds by words alone.' }),
  };
}

const answers: Asked = { find };

parentPort?.on('message', (question: Question | 'close') => {
  if (question === 'close') {
    database.close();
    process.exit(0);
  }
  let reply: Reply;
  try {
    reply = { job: question.job, value: answers[question.ask](question.of) };
  } catch (error) {
    reply = { job: question.job, failure: failureOf(error) };
  }
  parentPort?.postMessage(reply);
});
