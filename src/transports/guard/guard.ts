import type { IncomingMessage } from 'node:http';
import { Refusal } from '../../kernel/errors.ts';

/** By which names the server is reached, and which pages may call it. */
export interface GuardOptions {
  /** The port that the server listens on. */
  port: () => number;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** A client leaves the default port of its scheme out of `Host` and `Origin`. */
function withoutDefaultPort(name: string): string {
  return name.replace(/:(?:80|443)$/, '');
}

/** The origin of pages that are reached by this name; behind port 443 is a proxy that speaks TLS. */
function originOf(name: string): string {
  return `${name.endsWith(':443') ? 'https' : 'http'}://${withoutDefaultPort(name)}`;
}

/** Says which requests may come in. */
export interface Guard {
  /** Throws a Refusal where the request may not come in. */
  check(request: IncomingMessage): void;
  allowsOrigin(origin: string): boolean;
}

/**
 * Keeps web pages out that the person's browser happens to show. A page that rebinds its name to 127.0.0.1 sends its
 * own Host; a page on another origin sends its Origin or `Sec-Fetch-Site`; neither can be forged from a browser.
 */
export function createGuard({ port, allowedHosts, allowedOrigins }: GuardOptions): Guard {
  let hosts: Set<string> | undefined;
  let origins: Set<string> | undefined;

  // The port is known once the server listens, so the sets are made at the first request.
  const own = () => [
    ...LOOPBACK_NAMES.map((name) => `${name}:${port()}`),
    ...allowedHosts.map((name) => (name.includes(':') ? name : `${name}:${port()}`).toLowerCase()),
  ];
  const names = () => (hosts ??= new Set(own().flatMap((name) => [name, withoutDefaultPort(name)])));
  const allowsOrigin = (origin: string) =>
    (origins ??= new Set([...own().map(originOf), ...allowedOrigins])).has(origin);

  return {
    allowsOrigin,
    check({ rawHeaders, headers, url }) {
      let count = 0;
      for (let i = 0; i < rawHeaders.length; i += 2)
        if ((rawHeaders[i] as string).length === 4 && rawHeaders[i]?.toLowerCase() === 'host') count++;
      const { host, origin } = headers;
      if (count !== 1 || host === undefined || !names().has(host.toLowerCase()))
        throw new Refusal('wrong_host', `This server is not "${(host ?? '').slice(0, 80)}".`);
      if (url === undefined || !url.startsWith('/'))
        throw new Refusal('malformed_request', 'The request target must begin with a slash.');
      if (origin !== undefined) {
        if (!allowsOrigin(origin))
          throw new Refusal('origin_refused', `Pages of "${origin.slice(0, 80)}" may not call this server.`);
        return;
      }
      const site = headers['sec-fetch-site'];
      if (site === undefined || site === 'same-origin' || site === 'none') return;
      // A link from another local page opens the dashboard; nothing else from there comes in without an Origin.
      if (site === 'same-site' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document')
        return;
      throw new Refusal('origin_refused', 'A page of another site may not call this server.');
    },
  };
}
