import { BaseList, type List as ManifestList, type ListHost } from "../../list/room.ts";
import { RegistryPool } from "../../registry/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { createDockerTransport } from "../../transport/docker/room.ts";
import { policyForLists } from "../list_policy.ts";
import { createTransportTable } from "../../transport/room.ts";

/** Reaches registries only. The default platform is `linux/amd64`, as a function does not run on a host of its own. */
export const HOST: ListHost = {
  transports: createTransportTable([createDockerTransport({ pool: new RegistryPool() })]),
  platform: { os: "linux", architecture: "amd64" },
  openPolicy: () =>
    policyForLists(() => {
      const problem = "no policy.json can be read here: pass signaturePolicy";
      return Promise.reject(new ManifestsError("POLICY_MISSING", `Cannot check images: ${problem}`));
    }),
};

/** A list whose images are in registries. */
class RemoteList extends BaseList {
  /** Creates an empty list that reaches only registries. */
  constructor() {
    super(HOST);
  }

  /** Creates a list from the bytes of an index. */
  static fromBlob(bytes: Uint8Array<ArrayBuffer>): RemoteList {
    const list = new RemoteList();
    list.readBlob(bytes);
    return list;
  }
}

/** An editable list whose images are in registries: see {@linkcode ManifestList}, which documents its members. */
export type List = ManifestList;

/** Functions that create a list. */
export const List: {
  /**
   * Creates a list from the bytes of an index. An index does not record the locations of its instances: such a list can
   * be edited, but pushed only after `locateInstances` or `add`.
   *
   * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`.
   * @throws {ManifestsSyntaxError} With code `INVALID_JSON`, `INVALID_MANIFEST` or `INVALID_DIGEST`.
   */
  fromBlob(bytes: Uint8Array<ArrayBuffer>): List;
} = { fromBlob: RemoteList.fromBlob };

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
  return new RemoteList();
}
