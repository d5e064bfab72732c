import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../kernel/errors.ts';

const BODY_LIMIT = 1024 * 1024;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
/** JSON is UTF-8 (RFC 8259, section 8.1), so no other charset can be meant. */
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8\b)/i;

/** Refuses a body that is not said to be plain JSON, before it is read: `not_json`. */
export function checkBodyType(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type !== undefined && type !== 'application/json' && (!JSON_TYPE.test(type) || OTHER_CHARSET.test(type)))
    throw new Refusal('not_json', `The body is "${type.slice(0, 80)}".`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new Refusal('not_json', `The body is encoded as "${encoding.slice(0, 80)}"; send it as it is.`);
}

/** Makes the server read JSON bodies and no others. Fastify reads text/plain by default, which a page of any origin may send. */
export function readJsonBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (request, body, done) => {
      // Clients say what they would send also where they send nothing.
      if (body.length === 0 && request.method === 'DELETE') return done(null, {});
      if (!isUtf8(body)) return done(new Refusal('malformed_json', 'The body is not UTF-8.'));
      parseJson(request, body.toString(), done);
    },
  );
}
