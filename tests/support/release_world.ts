/** Registries in memory, and a lock in memory, for releases. */
import { RegistryClient } from "../../src/registry/room.ts";
import {
  applyFile,
  EMPTY_LOCK,
  lockFile,
  type LockStore,
  parseReleaseFile,
  planFile,
  type ReleaseHost,
  type ReleaseLock,
} from "../../src/release/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import type { Digest } from "../../src/spec/room.ts";
import { REMOTE_RUNTIME } from "../../src/system/remote/room.ts";
import { makeImage, makeTar, pushImage } from "./images.ts";

/** Options of plans and applies, as the tests use them. */
export type ReleaseOptions = NonNullable<Parameters<typeof applyFile>[3]>;

/** Several registries in memory. */
export class ReleaseWorld {
  readonly #registries = new Map<string, ReturnType<typeof createRegistry>>();
  /** Requests that changed something, as in `PUT a.example/v2/app/manifests/1`. */
  writes: string[] = [];
  /** Answers a request instead of the registry. Default: never. */
  intercept: (request: Request) => Response | Promise<Response> | undefined = () => undefined;
  /** The lock. */
  lock: ReleaseLock = EMPTY_LOCK;
  /** The place of the lock. */
  readonly store: LockStore = {
    read: () => Promise.resolve(this.lock),
    update: (change) => Promise.resolve(void (this.lock = change(this.lock))),
  };
  readonly host: ReleaseHost = { runtime: REMOTE_RUNTIME };

  readonly #fetch = async (request: Request): Promise<Response> => {
    const { host, pathname } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") this.writes.push(`${request.method} ${host}${pathname}`);
    return await this.intercept(request) ?? await this.#registry(host).fetch(request);
  };

  #registry(host: string) {
    if (!this.#registries.has(host)) this.#registries.set(host, createRegistry({ storage: createMemoryStorage() }));
    return this.#registries.get(host)!;
  }

  /** A repository whose requests are not counted. */
  repository(name: string) {
    const [host, ...path] = name.split("/");
    return new RegistryClient(host!, { fetch: (request) => this.#registry(host!).fetch(request) }).repository(
      path.join("/"),
    );
  }

  /** Pushes an image for `linux/<architecture>`. */
  async push(name: string, architecture: string, content = architecture): Promise<Digest> {
    const [repository, tag] = name.split(":") as [string, string];
    return await pushImage(
      this.repository(repository),
      makeImage({ architecture, layers: [makeTar("a", content)] }),
      tag,
    );
  }

  /** The digest of a tag; `undefined` if it does not exist. */
  async digestOf(name: string): Promise<Digest | undefined> {
    const [repository, tag] = name.split(":") as [string, string];
    return (await this.repository(repository).headManifest(tag))?.digest;
  }

  /** How the product reaches the registries. Retries do not wait. */
  get systemContext() {
    return { fetch: this.#fetch, retryDelay: 0 };
  }

  #call<T extends ReleaseOptions>(options: T) {
    return { ...options, systemContext: this.systemContext };
  }

  async plan(text: string, options: ReleaseOptions = {}) {
    return await planFile(this.host, await parseReleaseFile(text), this.lock, this.#call(options));
  }

  async pin(text: string, options: ReleaseOptions = {}) {
    await lockFile(this.host, await parseReleaseFile(text), this.store, this.#call(options));
  }

  async apply(text: string, options: ReleaseOptions = {}) {
    this.writes = [];
    return await applyFile(this.host, await parseReleaseFile(text), this.store, this.#call(options));
  }

  /** Plans and returns the steps, as in `add a.example/app:1`. */
  async steps(text: string, options: ReleaseOptions = {}): Promise<string[]> {
    const { releases } = await this.plan(text, options);
    return releases.flatMap(({ tags }) => tags.map(({ action, reference }) => `${action} ${reference}`));
  }
}

/** A world with the images `a.example/app:amd64` and `a.example/app:arm64`. */
export async function makeReleaseWorld(): Promise<ReleaseWorld> {
  const world = new ReleaseWorld();
  for (const architecture of ["amd64", "arm64"]) await world.push(`a.example/app:${architecture}`, architecture);
  return world;
}
