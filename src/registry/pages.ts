import { readStream } from "../internal/mod.ts";
import { isObject, ManifestsError } from "../spec/mod.ts";
import { bodyOf } from "./body.ts";
import { errorOf } from "./errors.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http.ts";

/** How large one page may be, in bytes. */
const MAX_PAGE_SIZE = 4 * 1024 * 1024;
/** How many pages are followed. */
const MAX_PAGES = 10_000;

/** The items of a paginated list, each once; follows `Link` headers within the registry, never in a circle. */
export async function* listPages(
  get: (target: string) => Promise<HttpResponse>,
  first: string,
  member: string,
): AsyncGenerator<string, void, undefined> {
  const seen = new Set<string>();
  const visited = new Set<string>();
  let target: string | undefined = first;
  while (target !== undefined && !visited.has(target)) {
    visited.add(target);
    const answer = await get(target);
    const { response, url } = answer;
    if (response.status === 404) return void await response.body?.cancel();
    if (response.status !== 200) throw await errorOf("GET", answer);
    const bytes = await readStream(bodyOf(answer), MAX_PAGE_SIZE);
    if (!bytes || visited.size > MAX_PAGES) {
      throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the list at ${redactUrl(url)} as it is too long`);
    }
    for (const item of readItems(bytes, member, url)) {
      if (!seen.has(item)) yield item;
      seen.add(item);
    }
    target = nextTarget(response.headers.get("link"), url);
  }
}

function readItems(bytes: Uint8Array, member: string, url: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ManifestsError("REGISTRY_ERROR", `Cannot read the list at ${redactUrl(url)} as it is not JSON`, {
      cause,
    });
  }
  const items = isObject(value) ? value[member] : undefined;
  return Array.isArray(items) ? items.filter((item) => typeof item === "string" && item !== "") : [];
}

/** Path and query of the `rel="next"` link; the host is always the registry's own. */
function nextTarget(header: string | null, url: string): string | undefined {
  const links = header === null ? [] : [...header.matchAll(/<([^>]*)>([^<]*)/g)];
  const next = links.find((link) => /;\s*rel\s*=\s*"?next"?/i.test(link[2]!)) ??
    (links.length === 1 ? links[0] : undefined);
  const resolved = next && URL.parse(next[1]!, url);
  return resolved ? resolved.pathname + resolved.search : undefined;
}
