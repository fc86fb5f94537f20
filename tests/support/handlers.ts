/** Handlers that publish to a registry in memory, and calls to them. */
import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import type { Digest } from "../../src/spec/room.ts";
import { bearerTokens, createHandler, type HandlerOptions } from "../../src/service/room.ts";
import { makeImage, pushImage, type TestImageOptions } from "./images.ts";

/** A token that may do everything. */
export const TOKEN = "a-token-for-tests";
/** The registry in memory. */
export const HOST = "registry.example";

/** A registry in memory, with an image per platform in the repository `app`, tagged by its architecture. */
export class HandlerWorld {
  readonly #registry = createRegistry({ storage: createMemoryStorage() });
  /** All requests to the registry, as in `PUT /v2/app/manifests/1`. */
  readonly requests: string[] = [];
  /** The images by platform, as in `linux/arm/v6`. */
  readonly digests = new Map<string, Digest>();

  /** Sends a request to the registry. */
  readonly fetch = async (request: Request): Promise<Response> => {
    this.requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return await this.#registry.fetch(request);
  };

  /** A repository of the registry, whose requests are not counted. */
  repository(path = "app") {
    return new RegistryClient(HOST, { fetch: this.#registry.fetch }).repository(path);
  }

  /** Pushes an image. */
  async push(image: TestImageOptions, path = "app"): Promise<Digest> {
    const { os = "linux", architecture, variant } = image;
    const digest = await pushImage(this.repository(path), makeImage(image), architecture + (variant ?? ""));
    this.digests.set([os, architecture, variant].filter(Boolean).join("/"), digest);
    return digest;
  }

  /** Returns the digest of a tag; `undefined` if it does not exist. */
  async digestAt(tag: string, path = "app"): Promise<Digest | undefined> {
    return (await this.repository(path).headManifest(tag))?.digest;
  }

  /** How often a tag was written. */
  countWrites(tag: string, path = "app"): number {
    return this.requests.filter((request) => request === `PUT /v2/${path}/manifests/${tag}`).length;
  }

  /** A handler for the registry; `TOKEN` may do everything. */
  handler(options: Partial<HandlerOptions> = {}): (request: Request) => Promise<Response> {
    return createHandler({
      authorize: bearerTokens([{ token: TOKEN }]),
      targets: [`${HOST}/app`],
      ...options,
      systemContext: { retryDelay: 0, ...options.systemContext ?? { fetch: this.fetch } },
    });
  }
}

/** A world with images for these architectures. */
export async function makeWorld(architectures: readonly string[] = ["amd64", "arm64"]): Promise<HandlerWorld> {
  const world = new HandlerWorld();
  for (const architecture of architectures) await world.push({ architecture });
  return world;
}

/** Answer of a handler. */
export interface Answer {
  status: number;
  // deno-lint-ignore no-explicit-any -- Tests say what they expect of it.
  body: any;
  headers: Headers;
}

/** Options for {@linkcode call}. */
export interface CallInit {
  /** Body, sent as JSON unless it is a string or a stream; default: none, with `GET`. */
  body?: unknown;
  /** Default: `POST`, or `GET` without a body. */
  method?: string;
  /** Default: `TOKEN`. `null`: none. */
  token?: string | null;
  headers?: Record<string, string>;
}

/** A request to a handler. */
export function makeRequest(url: string, init: CallInit = {}): Request {
  const { body, method = body === undefined ? "GET" : "POST", token = TOKEN, headers = {} } = init;
  const raw = typeof body === "string" || body instanceof ReadableStream || body === undefined;
  return new Request(new URL(url, "https://handler.example"), {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(method === "POST" ? { "content-type": "application/json" } : {}),
      ...headers,
    },
    body: raw ? body ?? null : JSON.stringify(body),
  });
}

/** Reads an answer, and checks what must hold for each. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = text === "" ? undefined : JSON.parse(text);
  if (body !== undefined) {
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("cache-control"), "no-store");
  }
  assert.equal(response.headers.get("access-control-allow-origin"), null);
  if (body !== undefined && response.status >= 400) {
    const { published: _, ...error } = body.error;
    assert.deepEqual(Object.keys(error), ["code", "message", "requestId"]);
  }
  const requestId = response.headers.get("x-request-id");
  assert.match(requestId ?? "", /^[0-9a-f-]{36}$/);
  if (body?.error && response.status >= 400) assert.equal(body.error.requestId, requestId);
  return { status: response.status, body, headers: response.headers };
}

/** Calls a handler in this process. */
export async function call(
  handler: (request: Request) => Promise<Response>,
  url: string,
  init: CallInit = {},
): Promise<Answer> {
  return await readAnswer(await handler(makeRequest(url, init)));
}

/** Checks that a call is refused. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.body?.error?.code], [status, code], JSON.stringify(answer.body));
}
