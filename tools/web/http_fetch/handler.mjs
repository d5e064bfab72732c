/** HTTP_FETCH_HOSTS: names of hosts, comma-separated, with a port where only that one is meant. */
const allowed = (process.env.HTTP_FETCH_HOSTS ?? '').split(',').map((host) => host.trim().toLowerCase());

export default async function httpFetch({ url, max_bytes: most = 100_000 }) {
  const { hostname, host } = new URL(url);
  if (!allowed.includes(hostname) && !allowed.includes(host)) throw new Error(`${host} is not in HTTP_FETCH_HOSTS.`);
  // Where a page leads elsewhere, the caller decides whether to go there: that host may not be allowed.
  const response = await fetch(url, { redirect: 'manual' });
  const type = response.headers.get('content-type') ?? '';
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) break;
  }
  const text = Buffer.concat(chunks).subarray(0, most).toString('utf8');
  const location = response.headers.get('location');
  return { status: response.status, type, text, cut: size > most, ...(location && { location }) };
}
