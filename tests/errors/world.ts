/** The places that the rows of the error table use: a registry in memory, a store, a folder, a keyring. */
import { verify } from "../../mod.ts";
import type { Fetch, SystemContext } from "../../src/image/room.ts";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything, type Policy } from "../../src/signature/mod.ts";
import { digestOf, type ErrorCode } from "../../src/spec/room.ts";
import { type GpgHome, makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage, pushImage } from "../support/images.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

/** Calls that fail as a user would see it, one per error code. A row throws, rejects, or returns a refusal. */
export type ErrorRows = Partial<Record<ErrorCode, (world: ErrorWorld) => unknown>>;

/** Name of the registry in memory. */
export const HOST = "registry.example";
/** The image `app:amd64` of the registry in memory, and the name that signatures of it claim. */
export const IMAGE = makeImage({ architecture: "amd64" });
export const NAME = `${HOST}/app:amd64`;
/** A digest of nothing that exists. */
export const MISSING = digestOf(encode("missing"));
/** Options that accept every image, signed or not. */
export const UNSIGNED = { signaturePolicy: acceptAnything };

/** The registry in memory, a store, a folder and a home of gpg, for all rows. */
export class ErrorWorld implements AsyncDisposable {
  readonly #registry = createRegistry({ storage: createMemoryStorage() });
  /** Reaches the registry in memory. */
  readonly systemContext: SystemContext;

  private constructor(readonly folder: string, readonly at: TestStore, readonly gpg: GpgHome) {
    this.systemContext = this.answering((request) => this.#registry.fetch(request));
  }

  /** Creates the world, with the image `app:amd64`. */
  static async create(): Promise<ErrorWorld> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "errors-" }));
    const world = new ErrorWorld(folder, await makeStore(), await makeGpgHome());
    await pushImage(world.repository(), IMAGE, "amd64");
    return world;
  }

  /** A repository of the registry in memory. */
  readonly repository = (path = "app"): Repository =>
    new RegistryClient(HOST, { fetch: this.#registry.fetch }).repository(path);

  /** Reaches a registry that answers with `fetch`. Nothing is tried again. */
  readonly answering = (fetch: Fetch): SystemContext => ({ fetch, maxRetries: 0, retryDelay: 0, blobInfoCacheDir: "" });

  /** Reaches the registry in memory, but requests that `change` answers do not get there. */
  readonly answeringFirst = (change: (request: Request) => Response | undefined): SystemContext =>
    this.answering(async (request) => change(request) ?? await this.#registry.fetch(request));

  /** Writes a file to the folder and returns its path. */
  readonly write = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = `${this.folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, typeof content === "string" ? encode(content) : content);
    return path;
  };

  /** The reason why a policy refuses the image `app:amd64`. */
  readonly refusal = async (policy: Policy): Promise<unknown> => {
    return (await verify(NAME, { policy, systemContext: this.systemContext })).top.reasons[0];
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gpg[Symbol.asyncDispose]();
    await this.at[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
