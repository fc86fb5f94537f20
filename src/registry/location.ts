import { findUrl } from "../internal/room.ts";
import type { HttpResponse } from "./http_types.ts";

/**
 * Returns the `Location` at which an upload continues; `undefined` if the response has none. Signed queries are kept
 * unchanged. A registry behind a proxy may not know its public scheme and port: if the location is on the requested host,
 * those of the request are used.
 */
export function findLocation({ response, url }: HttpResponse): string | undefined {
  const header = response.headers.get("location");
  const location = header ? findUrl(header, url) : undefined;
  if (!location) return undefined;
  const requested = new URL(url);
  // A fragment would absorb the parameters that are added to the query.
  location.username = location.password = location.hash = "";
  const downgraded = requested.protocol === "https:" && location.protocol === "http:";
  const lostPort = requested.protocol === location.protocol && location.port === "";
  if (location.hostname !== requested.hostname || !(downgraded || lostPort)) return location.href;
  return requested.origin + location.href.slice(location.origin.length);
}
