import type { CallOptions } from "../internal/room.ts";
import type { RegistryConnection } from "./connection.ts";
import type { HttpResponse } from "./http_types.ts";

/** Options for {@linkcode RepositoryApi.send}. */
export interface RepositoryRequest extends CallOptions {
  /** Headers in addition to those that every request has. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Body of the request. Default: none. */
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /** Actions on the repository that the token must allow, as in `pull,push`. Default: `pull`. */
  readonly actions?: string | undefined;
  /** Token scopes for other repositories. Default: none. */
  readonly extraScopes?: readonly string[] | undefined;
}

/** The requests of one repository. */
export class RepositoryApi {
  /** Path of the repository, as in `library/alpine`. */
  readonly path: string;
  /** Connection to the repository's registry. */
  readonly connection: RegistryConnection;

  constructor(connection: RegistryConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  /** Sends a request. `rest` is a path below the repository; with a leading `/`, below the registry's root. */
  async send(method: string, rest: string, options: RepositoryRequest = {}): Promise<HttpResponse> {
    const { extraScopes = [], actions = "pull", headers = {}, ...request } = options;
    return await this.connection.send({
      method,
      target: rest.startsWith("/") ? rest : `/v2/${this.path}/${rest}`,
      scopes: [this.scope(actions), ...extraScopes],
      headers,
      ...request,
    });
  }

  /** Returns the token scope for actions on this repository, as in `pull,push`. */
  scope(actions: string): string {
    return `repository:${this.path}:${actions}`;
  }

  /** Returns the full name of a tag or digest of this repository, for messages. */
  getName(tagOrDigest: string): string {
    return `${this.connection.host}/${this.path}${tagOrDigest.includes(":") ? "@" : ":"}${tagOrDigest}`;
  }
}

/** Returns whether a `GET` may succeed after this status of a `HEAD`: some registries and gateways reject every `HEAD`. */
export function isInconclusiveHead(status: number): boolean {
  return [400, 403, 404, 405, 406, 501].includes(status);
}
