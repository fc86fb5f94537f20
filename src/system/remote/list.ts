import { BaseList, type ListHost } from "../../list/room.ts";
import { RegistryPool } from "../../registry/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { createDockerTransport } from "../../transport/docker/room.ts";
import { policyForLists } from "../list_policy.ts";
import { createTransportTable } from "../../transport/room.ts";

/** A host of registries alone. Where no platform is said, `linux/amd64` is meant: a function has no host to ask. */
export const HOST: ListHost = {
  transports: createTransportTable([createDockerTransport({ pool: new RegistryPool() })]),
  platform: { os: "linux", architecture: "amd64" },
  openPolicy: () =>
    policyForLists(() => {
      const problem = "no policy.json can be read here: pass signaturePolicy";
      return Promise.reject(new ManifestsError("POLICY_MISSING", `Cannot judge images as ${problem}`));
    }),
};

/** A list whose images live in registries. */
export class List extends BaseList {
  /** Creates an empty list. */
  constructor() {
    super(HOST);
  }

  /**
   * A list with the content of an index.
   *
   * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`, `INVALID_JSON` and others.
   */
  static fromBlob(bytes: Uint8Array<ArrayBuffer>): List {
    const list = new List();
    list.readBlob(bytes);
    return list;
  }
}

/**
 * Creates an empty list.
 *
 * @example
 * ```ts
 * import { create } from "@multiarch/manifests/remote";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(create().instances(), []);
 * ```
 */
export function create(): List {
  return new List();
}
