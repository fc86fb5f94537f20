import { type CallOptions, findUrl, readStream } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { redactUrl } from "./redact.ts";

/** How large one page may be, in bytes: some registries send a list of any length as one. */
export const MAX_PAGE_SIZE = 16 * 1024 * 1024;
/** How many pages are followed, and how many of them may bring nothing new. */
const MAX_PAGES = 10_000, MAX_STALE_PAGES = 100;

/** How many names are asked for at once: Amazon's registry refuses to tell more. */
export const DEFAULT_PAGE_SIZE = 1000;

/** Options of lists of names. */
export interface ListOptions extends CallOptions {
  /** Name after which the list begins; default: at its start. */
  last?: string | undefined;
  /**
   * How many names are asked for at once.
   *
   * @default {1000}
   */
  pageSize?: number | undefined;
}

/** Throws a `RangeError` unless a page size is a positive integer. */
export function assertPageSize(pageSize: number): void {
  if (Number.isSafeInteger(pageSize) && pageSize > 0) return;
  throw new RangeError(`Cannot list: pageSize must be a positive integer, but is ${pageSize}`);
}

/** Asks for a page. */
export type GetPage = (target: string) => Promise<HttpResponse>;

/**
 * A page and those that its `Link` headers lead to, within the registry, never in a circle. The caller reads each.
 *
 * @param path Path of the list, below which a registry behind a proxy may not know that it is.
 */
export async function* followPages(
  first: HttpResponse,
  get: GetPage,
  path: string,
): AsyncGenerator<HttpResponse, void, undefined> {
  const { pathname, search } = new URL(first.url);
  const visited = new Set([pathname + search]);
  for (let answer = first;;) {
    if (answer.response.status !== 200) throw await readError("GET", answer);
    yield answer;
    const target = nextTarget(answer, path);
    if (target === undefined || visited.has(target)) return;
    visited.add(target);
    if (visited.size > MAX_PAGES) failLength(answer.url);
    answer = await get(target);
  }
}

/** What {@linkcode listNames} lists. */
export interface ListNamesOptions {
  /** Path of the list. */
  readonly path: string;
  /** Member of each page that holds the names. */
  readonly member: string;
  /** How many are asked for at once. */
  readonly pageSize: number;
  /** Name after which the list begins; default: at its start. */
  readonly last?: string | undefined;
}

/**
 * The names of a paginated list. Only what the page before had is remembered, so that a list may be of any length. Where
 * a full page leads nowhere, the next is asked for by its last name, as registries without `Link` headers want it.
 */
export async function* listNames(
  first: HttpResponse,
  get: GetPage,
  options: ListNamesOptions,
): AsyncGenerator<string, void, undefined> {
  let before = new Set<string>();
  let stale = 0;
  let linked = false;
  for (let start: HttpResponse | undefined = first; start;) {
    let page: string[] = [];
    let fresh = 0;
    for await (const answer of followPages(start, get, options.path)) {
      page = await readNames(answer, options.member);
      fresh = 0;
      for (const name of page) {
        if (before.has(name)) continue;
        fresh++;
        yield name;
      }
      before = new Set(page);
      linked ||= answer.response.headers.has("link");
      stale = fresh > 0 ? 0 : stale + 1;
      if (stale > MAX_STALE_PAGES) failLength(answer.url);
    }
    const more: boolean = !linked && fresh > 0 && page.length === options.pageSize;
    start = more ? await get(getPageTarget({ ...options, last: page.at(-1)! })) : undefined;
  }
}

/** Path and query of the page after `last`. */
export function getPageTarget({ path, pageSize, last }: ListNamesOptions): string {
  return `${path}?n=${pageSize}${last === undefined ? "" : `&last=${encodeURIComponent(last)}`}`;
}

/** Registries have been seen to list nothing, `null`, empty names, and digests among tags. */
async function readNames(answer: HttpResponse, member: string): Promise<string[]> {
  const bytes = await readStream(getBody(answer), MAX_PAGE_SIZE) ?? failLength(answer.url);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    const place = redactUrl(answer.url);
    throw new ManifestsError("REGISTRY_ERROR", `Cannot read the list at ${place} as it is not JSON`, { cause });
  }
  const items = isObject(value) ? value[member] : undefined;
  if (!Array.isArray(items)) return [];
  return items.filter((item) => typeof item === "string" && /^[\w./-]+$/.test(item));
}

function failLength(url: string): never {
  throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the list at ${redactUrl(url)} as it is too long`);
}

/**
 * Path and query of the `rel="next"` link; the host is always the registry's own. A path that is not below `/v2/` is the
 * list's own as a registry behind a proxy sees it, such as Nexus with `/repository/NAME/v2/…`.
 */
function nextTarget({ response, url }: HttpResponse, path: string): string | undefined {
  const links = [...(response.headers.get("link") ?? "").matchAll(/<([^>]*)>([^<]*)/g)];
  const next = links.find((link) => /;\s*rel\s*=\s*"?next"?/i.test(link[2]!)) ??
    (links.length === 1 ? links[0] : undefined);
  const resolved = next && findUrl(next[1]!, url);
  return resolved && (resolved.pathname.startsWith("/v2/") ? resolved.pathname : path) + resolved.search;
}
