import type { FastifyInstance } from 'fastify';

/** Milliseconds that a closing server gives to requests that have begun. */
const GRACE_MS = 1_000;

/** A closing server first answers what was begun. Call it last: hooks that end streams and waits must run before. */
export function finishAnswers(app: FastifyInstance): void {
  let open = 0;
  let finished = () => {};
  app.addHook('onRequest', (request, reply, done) => {
    // What was upgraded has an owner of its own.
    if (!request.ws) {
      open++;
      reply.raw.on('close', () => {
        open--;
        if (open === 0) finished();
      });
    }
    done();
  });
  app.addHook('preClose', (done) => {
    if (open === 0) return done();
    const timer = setTimeout(() => finished(), GRACE_MS);
    finished = () => {
      clearTimeout(timer);
      finished = () => {};
      done();
    };
  });
}
