import { isRegistryHost, ManifestsSyntaxError, parseReference } from "../spec/room.ts";

/** The place whose credentials are saved. */
export interface CredentialKey {
  /** Key in credential files: a registry, such as `quay.io`, or a namespace or repository in it. */
  readonly key: string;
  /** Registry of the key, with its port if it has one. */
  readonly registry: string;
}

/**
 * Parses the place for which credentials are saved: `REGISTRY`, or `REGISTRY/NAMESPACE`. Of a URL only the host is used,
 * as in podman.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 */
export function parseCredentialKey(text: string): CredentialKey {
  const bare = text.replace(/^https?:\/\//, "");
  const key = (bare === text ? text : bare.split("/")[0]!).replace(/\/+$/, "");
  const registry = key.split("/")[0]!;
  const fail = (problem: string): never => {
    throw new ManifestsSyntaxError("INVALID_REFERENCE", `Cannot use the registry ${JSON.stringify(text)}: ${problem}`);
  };
  if (registry === "" || !isRegistryHost(registry)) fail("it does not start with a host name, such as quay.io");
  if (key === registry) return { key, registry };
  const reference = parseReference(key);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    fail(`reference ${JSON.stringify(String(reference))} contains tag or digest`);
  }
  if (reference.domain !== registry) fail(`${JSON.stringify(registry)} is not a registry: write docker.io/${key}`);
  return { key, registry };
}
