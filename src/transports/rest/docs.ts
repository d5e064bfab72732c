import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { CATALOGUE, type ErrorCode, Refusal } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { openApi } from './openapi.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>reflectt-node API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; /openapi.json and /capabilities do not.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body>
</html>
`;

const SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, tryItOutEnabled: true, docExpansion: 'list', defaultModelsExpandDepth: -1 });
`;

/** What the page loads. Swagger UI brings pages of its own, which are not served: they have no policy. */
const ASSETS = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png']);

/** Swagger UI sets styles from its script and shows icons as data URLs; nothing comes from elsewhere. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Adds /openapi.json, the page /docs that shows it, and a page for each error code. */
export async function addDocs(app: FastifyInstance, kernel: Kernel, version: string): Promise<void> {
  const assets = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json')), 'static');
  // Made at the first request: most processes are never asked.
  let description: string | undefined;
  app.get('/openapi.json', (_, reply) => {
    description ??= JSON.stringify(openApi(kernel.operations.values(), version));
    return reply.type('application/json; charset=utf-8').send(description);
  });
  app.get('/docs', (_, reply) =>
    reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(PAGE),
  );
  app.get('/docs/page.js', (_, reply) =>
    reply.header('x-content-type-options', 'nosniff').type('text/javascript; charset=utf-8').send(SCRIPT),
  );
  await app.register(fastifyStatic, {
    root: assets,
    prefix: '/docs/',
    wildcard: false,
    index: false,
    decorateReply: false,
    allowedPath: (path) => ASSETS.has(path),
    setHeaders: (reply) => reply.header('x-content-type-options', 'nosniff'),
  });
  app.get('/errors/:code', (request, reply) => {
    const { code } = request.params as { code: string };
    if (!Object.hasOwn(CATALOGUE, code))
      throw new Refusal('route_not_found', `There is no error "${code.slice(0, 80)}".`, { error: 'Not found' });
    return reply.send({ code, ...CATALOGUE[code as ErrorCode] });
  });
}
