import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../kernel/errors.ts';

/** The files of a page by path: `index.html`, and `assets/…`, whose names change with what they say. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/** All that the page loads comes from here, and nothing that it shows is run. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const compress = promisify(gzip);

interface Made {
  plain: Buffer;
  zipped: Buffer;
  tag: string;
}

/** Reads what the build wrote; the same answer from then on. */
export function builtPage(dir: string): () => Promise<PageFiles> {
  let files: Promise<PageFiles> | undefined;
  const read = async () => {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
    return new Map(
      await Promise.all(
        paths.map(async (path) => [path.replaceAll('\\', '/'), await readFile(join(dir, path))] as const),
      ),
    );
  };
  return () => {
    files ??= read().catch((error: NodeJS.ErrnoException) => {
      files = undefined;
      if (error.code !== 'ENOENT') throw error;
      throw new Refusal('route_not_found', 'The page was not built: npm run build makes it.', { error: 'Not found' });
    });
    return files;
  };
}

/** Adds the page at `/`: its files are compressed once; what has the hash of its content in its name is kept for ever. */
export function addPage(app: FastifyInstance, files: () => Promise<PageFiles>): void {
  const made = new WeakMap<Uint8Array, Promise<Made>>();
  const make = async (contents: Uint8Array): Promise<Made> => ({
    plain: Buffer.from(contents),
    zipped: await compress(contents, { level: 9 }),
    tag: `"${createHash('sha256').update(contents).digest('base64url').slice(0, 22)}"`,
  });
  const answer = async (request: FastifyRequest, reply: FastifyReply, path: string, caching: string) => {
    const contents = (await files()).get(path);
    const type = TYPES[extname(path)];
    if (contents === undefined || type === undefined)
      throw new Refusal('route_not_found', `The page has no file ${path.slice(0, 120)}.`, { error: 'Not found' });
    let file = made.get(contents);
    if (file === undefined) made.set(contents, (file = make(contents)));
    const { plain, zipped, tag } = await file;
    reply
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cache-control', caching)
      .header('vary', 'Accept-Encoding')
      .header('etag', tag)
      .type(type);
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    return /\bgzip\b/.test(String(request.headers['accept-encoding']))
      ? reply.header('content-encoding', 'gzip').send(zipped)
      : reply.send(plain);
  };
  app.get('/', (request, reply) => answer(request, reply, 'index.html', 'no-cache'));
  app.get('/assets/:file', (request, reply) =>
    answer(
      request,
      reply,
      `assets/${(request.params as { file: string }).file}`,
      'public, max-age=31536000, immutable',
    ),
  );
}
