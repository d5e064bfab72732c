import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentSource } from '../kernel/document.ts';
import type { SearchAnswer, SearchRequest } from '../kernel/search.ts';
import { createByMeaning } from './by-meaning.ts';
import { createLexical } from './lexical.ts';
import { formatResume } from './position.ts';
import { type Asked, failureOf, type Question, type Reply, type ThreadData, type Told } from './protocol.ts';
import { openReadOnly } from './read-only.ts';
import { chooseModels } from './semantic/models.ts';
import { Semantic } from './semantic/semantic.ts';
import { snippetOf } from './snippet.ts';

const { file, documents, vectors, embeddings } = workerData as ThreadData;
const { documents: sources } = (await import(documents)) as { documents: readonly DocumentSource[] };
const database = openReadOnly(file);
const lexical = createLexical(database, sources);
const models = chooseModels(embeddings);
const semantic = new Semantic({ index: database, file: vectors, models, onError });
const byMeaning = createByMeaning({ database, sources, lexical, semantic, inOneView, byWords });

/** Reads as of one moment. */
function inOneView<R>(read: () => R): R {
  database.exec('BEGIN');
  try {
    return read();
  } finally {
    database.exec('COMMIT');
  }
}

function byWords(request: SearchRequest): SearchAnswer {
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
  };
}

function onError(error: string | undefined): void {
  parentPort?.postMessage({ meaning: error } satisfies Told);
}

const answers: Asked = {
  find: (request) => (request.mode === 'lexical' ? byWords(request) : byMeaning(request)),
  similar: ({ text, kind, agent }) => semantic.similar(text, kind, agent),
  status: () => semantic.status(),
};

async function answer({ job, ask, of }: Question): Promise<Reply> {
  try {
    return { job, value: await answers[ask](of as never) };
  } catch (error) {
    return { job, failure: failureOf(error) };
  }
}

parentPort?.on('message', async (question: Question | 'close') => {
  if (question === 'close') {
    await semantic.close();
    database.close();
    process.exit(0);
  }
  parentPort?.postMessage(await answer(question));
});
