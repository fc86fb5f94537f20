import { type CallOptions, findUrl, readStream } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { redactUrl } from "./redact.ts";

/** Maximum size of one page, in bytes: some registries send a list of any length as one page. */
export const MAX_PAGE_SIZE = 16 * 1024 * 1024;
/** Maximum number of pages, and of consecutive pages without a new name. */
const MAX_PAGES = 10_000, MAX_STALE_PAGES = 100;

/** Default for the number of names per request: Amazon's registry rejects larger numbers. */
export const DEFAULT_PAGE_SIZE = 1000;

/** Options for {@linkcode Repository.listTags} and {@linkcode RegistryClient.listRepositories}. */
export interface ListOptions extends CallOptions {
  /** Name after which the list starts. Default: the list starts at its first name. */
  last?: string | undefined;
  /**
   * Maximum number of names per request; the registry may return fewer.
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

/** Requests a page by its path and query. */
export type GetPage = (target: string) => Promise<HttpResponse>;

/**
 * Yields a page and the pages that `Link` headers lead to, within the registry and each only once. The caller must read
 * each page.
 *
 * @param path Path of the list as it was requested; a registry behind a proxy may not know it.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` after 10,000 pages.
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

/** Options for {@linkcode listNames}. */
export interface ListNamesOptions {
  /** Path of the list, as in `/v2/_catalog`. */
  readonly path: string;
  /** Name of the JSON member that contains the names. */
  readonly member: string;
  /** Maximum number of names per request. */
  readonly pageSize: number;
  /** Name after which the list starts. Default: the list starts at its first name. */
  readonly last?: string | undefined;
}

/**
 * Yields the names of a paginated list. Only the names of the previous page are remembered, so that memory does not grow
 * with the list. If a full page has no `Link` header, the next page is requested by the last name of this one, because
 * some registries never send the header.
 *
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the list is too long, `REGISTRY_ERROR` if it is not JSON.
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

/** Returns path and query of the page after `last`. */
export function getPageTarget({ path, pageSize, last }: ListNamesOptions): string {
  return `${path}?n=${pageSize}${last === undefined ? "" : `&last=${encodeURIComponent(last)}`}`;
}

/** Reads the names of a page. Some registries send no list, `null`, empty names, or digests among the tags. */
async function readNames(answer: HttpResponse, member: string): Promise<string[]> {
  const bytes = await readStream(getBody(answer), MAX_PAGE_SIZE) ?? failLength(answer.url);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    const place = redactUrl(answer.url);
    throw new ManifestsError("REGISTRY_ERROR", `Cannot read the list at ${place}: it is not JSON`, { cause });
  }
  const items = isObject(value) ? value[member] : undefined;
  if (!Array.isArray(items)) return [];
  return items.filter((item) => typeof item === "string" && /^[\w./-]+$/.test(item));
}

function failLength(url: string): never {
  throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the list at ${redactUrl(url)}: it is too long`);
}

/**
 * Returns path and query of the `rel="next"` link, to be requested from the registry itself. A path that is not below
 * `/v2/` is the path that a registry behind a proxy sees, such as Nexus with `/repository/NAME/v2/…`: the path that was
 * requested is used instead.
 */
function nextTarget({ response, url }: HttpResponse, path: string): string | undefined {
  const links = [...(response.headers.get("link") ?? "").matchAll(/<([^>]*)>([^<]*)/g)];
  const next = links.find((link) => /;\s*rel\s*=\s*"?next"?/i.test(link[2]!)) ??
    (links.length === 1 ? links[0] : undefined);
  const resolved = next && findUrl(next[1]!, url);
  return resolved && (resolved.pathname.startsWith("/v2/") ? resolved.pathname : path) + resolved.search;
}
