/** Two registries in memory, reached through one `fetch` that records requests and can make a registry fail. */
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry, type RegistryOptions } from "../../src/server/room.ts";
import type { SystemContext } from "../../src/image/room.ts";
import { makeImage, pushImage, type TestImageOptions } from "./images.ts";

/** Hosts of the registries. */
export const ONE = "one.example", TWO = "two.example";

/** See the module's comment. */
export class ComposeWorld {
  /** Requests such as `PUT one.example/app/manifests/1`, in order. */
  readonly requests: string[] = [];
  /** Returns a response instead of the registry's, or nothing. */
  intercept: (request: Request, text: string) => Response | undefined | void = () => {};
  /** How the product reaches the registries. Retries do not wait. */
  readonly systemContext: SystemContext = { fetch: (request: Request) => this.#fetch(request), retryDelay: 0 };
  readonly #registries: Map<string, ReturnType<typeof createRegistry>>;

  constructor(options: Partial<RegistryOptions> = {}) {
    this.#registries = new Map(
      [ONE, TWO].map((host) => [host, createRegistry({ storage: createMemoryStorage(), ...options })]),
    );
  }

  async #fetch(request: Request): Promise<Response> {
    const { host, pathname } = new URL(request.url);
    const text = `${request.method} ${host}${pathname.replace("/v2", "")}`;
    this.requests.push(text);
    return this.intercept(request, text) ?? await this.#registries.get(host)!.fetch(request);
  }

  /** A repository, reached without being recorded. */
  repository(path = "app", host = ONE): Repository {
    return new RegistryClient(host, { fetch: this.#registries.get(host)!.fetch }).repository(path);
  }

  /** Pushes images with the given tags to `one.example/app`. */
  async push(images: Record<string, TestImageOptions>): Promise<void> {
    for (const [tag, image] of Object.entries(images)) await pushImage(this.repository(), makeImage(image), tag);
  }

  /** Returns the digest of a tag; `undefined` if it does not exist. */
  async digest(tag: string, path = "app", host = ONE): Promise<string | undefined> {
    return (await this.repository(path, host).headManifest(tag))?.digest;
  }

  /** The recorded writes, without those of uploads. */
  get writes(): string[] {
    return this.requests.filter((request) => /^(PUT|DELETE) .*\/manifests\//.test(request));
  }
}

/** Images for some architectures, by tag. */
export function images(...architectures: string[]): Record<string, TestImageOptions> {
  return Object.fromEntries(architectures.map((architecture) => [architecture, { architecture }]));
}
