import { findUrl } from "../internal/room.ts";
import type { HttpResponse } from "./http_types.ts";

/**
 * Where an answer says that an upload goes on; `undefined` where it does not. Signed queries are kept as they are. A
 * registry behind a proxy may not know its own scheme and port: of the host that was asked, the request's are right.
 */
export function findLocation({ response, url }: HttpResponse): string | undefined {
  const header = response.headers.get("location");
  const location = header ? findUrl(header, url) : undefined;
  if (!location) return undefined;
  const asked = new URL(url);
  // A fragment would swallow what is added to the query.
  location.username = location.password = location.hash = "";
  const downgraded = asked.protocol === "https:" && location.protocol === "http:";
  const lostPort = asked.protocol === location.protocol && location.port === "";
  if (location.hostname !== asked.hostname || !(downgraded || lostPort)) return location.href;
  return asked.origin + location.href.slice(location.origin.length);
}
