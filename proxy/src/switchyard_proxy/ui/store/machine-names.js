// What machines are called: by the address at which the proxy finds each one's manager. Values only.

const LOOPBACK = /^(127\.[\d.]+|\[::1\])$/;

/**
 * @param {ReadonlyArray<{site: number, url?: string|null}>} sites
 * @returns {Map<number, string|null>} null: who asks is not told where it is
 */
export function namesOf(sites) {
  const places = sites.map(({ site, url }) => ({ site, place: placeOf(url) }));
  const isShared = ({ host }) => places.filter(({ place }) => place?.host === host).length > 1;
  const named = (place) => place && (isShared(place) ? `${place.host}:${place.port}` : place.host);
  return new Map(places.map(({ site, place }) => [site, named(place)]));
}

function placeOf(url) {
  const { hostname, port } = URL.canParse(url ?? "") ? new URL(url) : {};
  return hostname ? { host: LOOPBACK.test(hostname) ? "localhost" : hostname, port } : null;
}
