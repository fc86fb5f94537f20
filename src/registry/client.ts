import type { CallOptions } from "../internal/room.ts";
import type { RegistryClientOptions } from "./client_options.ts";
import { RegistryConnection } from "./connection.ts";
import { assertPageSize, DEFAULT_PAGE_SIZE, getPageTarget, listNames, type ListOptions } from "./pages.ts";
import { openRepository, type Repository } from "./repository.ts";

/**
 * A client for one registry, over `fetch` alone. It finds the scheme and the authentication by itself and remembers
 * both as long as it lives.
 *
 * @example
 * ```ts
 * import { RegistryClient } from "@multiarch/manifests/registry";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const server = createRegistry({ storage: createMemoryStorage() });
 * const repository = new RegistryClient("registry.example", { fetch: server.fetch }).repository("me/app");
 * assert.equal(await repository.headManifest("latest"), undefined);
 * ```
 */
export class RegistryClient {
  readonly #connection: RegistryConnection;

  /**
   * Creates a client; no request is sent.
   *
   * @param host The registry, as in `quay.io` or `localhost:5000`.
   * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE` if `host` is not a host, or its port is above 65535.
   * @throws {RangeError} If a time limit or the number of retries is not a number of at least 0.
   */
  constructor(host: string, options: RegistryClientOptions = {}) {
    this.#connection = new RegistryConnection(host, options);
  }

  /** The registry, as in `quay.io`. */
  get host(): string {
    return this.#connection.host;
  }

  /** Returns a repository of this registry; no request is sent. `path` is as in `library/alpine`. */
  repository(path: string): Repository {
    return openRepository(this.#connection, path);
  }

  /**
   * Returns whether the registry stores simple signatures itself, as it announces with the extension
   * `X-Registry-Supports-Signatures`. Sends a request only if none was sent before.
   *
   * @throws {ManifestsError} With code `NETWORK` if the registry cannot be reached, `PORT_BLOCKED` if `fetch` refuses
   * its port.
   * @throws {RegistryError} With code `DENIED`, `NOT_FOUND`, `TOO_MANY_REQUESTS` or `REGISTRY_ERROR` if it answers with
   * an error.
   */
  async supportsSignatures(options: CallOptions = {}): Promise<boolean> {
    return await this.#connection.supportsSignatures(options);
  }

  /**
   * Checks that the registry accepts the credentials of this client. A registry that requires none accepts any.
   *
   * @throws {RegistryError} With code `UNAUTHORIZED` or `DENIED` if the registry or its token service rejects them;
   * `NOT_FOUND`, `TOO_MANY_REQUESTS` or `REGISTRY_ERROR` if it answers with another error.
   * @throws {ManifestsError} With code `UNAUTHORIZED` if they must not be sent to the token service, `NETWORK` if the
   * registry cannot be reached, `PORT_BLOCKED` if `fetch` refuses its port.
   */
  async checkCredentials(options: CallOptions = {}): Promise<void> {
    await this.#connection.checkCredentials(options);
  }

  /**
   * Lists the repositories of the registry, page by page, in the registry's order. The request (`_catalog`) is not part
   * of the OCI specification, and many registries reject it.
   *
   * @throws {RangeError} If `pageSize` is not a positive integer.
   * @throws {RegistryError} With code `NOT_FOUND`, `DENIED`, `UNAUTHORIZED`, `TOO_MANY_REQUESTS` or `REGISTRY_ERROR` if
   * the registry rejects the request.
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the list is too long, `NETWORK` if the registry cannot be
   * reached.
   */
  async *listRepositories(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const { last, pageSize = DEFAULT_PAGE_SIZE, ...call } = options;
    assertPageSize(pageSize);
    const list = { path: "/v2/_catalog", member: "repositories", pageSize, last };
    const get = (target: string) =>
      this.#connection.send({ method: "GET", target, scopes: ["registry:catalog:*"], ...call });
    yield* listNames(await get(getPageTarget(list)), get, list);
  }
}
