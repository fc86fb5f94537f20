import type { CallOptions } from "../internal/room.ts";
import type { RegistryConnection } from "./connection.ts";
import type { HttpResponse } from "./http_types.ts";

/** Options of a request below a repository. */
export interface RepositoryRequest extends CallOptions {
  /** Headers besides the ones that every request has. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Body. */
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /** What it needs of the repository, in the words of the token service; default: `pull`. */
  readonly actions?: string | undefined;
  /** What it needs of others. */
  readonly extraScopes?: readonly string[] | undefined;
}

/** What everything about one repository shares. */
export class RepositoryApi {
  /** Path of the repository. */
  readonly path: string;
  /** The registry. */
  readonly connection: RegistryConnection;

  constructor(connection: RegistryConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }

  /** Sends a request; `rest` is the path below the repository, or one from the registry's root. */
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

  /** What a token for this repository is asked for. */
  scope(actions: string): string {
    return `repository:${this.path}:${actions}`;
  }

  /** The full name of something in this repository, for messages. */
  getName(tagOrDigest: string): string {
    return `${this.connection.host}/${this.path}${tagOrDigest.includes(":") ? "@" : ":"}${tagOrDigest}`;
  }
}

/** Whether a status of a `HEAD` leaves open what a `GET` finds: some registries and gateways answer so to every `HEAD`. */
export function isInconclusiveHead(status: number): boolean {
  return [400, 403, 404, 405, 406, 501].includes(status);
}
