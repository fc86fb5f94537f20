import type { Disposables } from "../internal/room.ts";
import type { ProvenanceOptions } from "../actions/room.ts";
import type { Signer } from "../signature/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { OpenedSigners, ReleaseHost } from "./host.ts";
import type { Release, ReleaseSigner } from "./types.ts";

/** The opened keys of a release. */
export interface ReleaseKeys {
  /** Signers of the index and its images. */
  readonly signers: readonly Signer[];
  /** Provenance to attach, with its signer; absent for a release without provenance. */
  readonly provenance?: ProvenanceOptions | undefined;
}

/**
 * Opens the keys of releases, so that an unusable one is reported before anything is written.
 *
 * @param held Forgets the keys when it is disposed.
 * @returns The keys by the name of the release.
 * @throws {ManifestsError} With code `SIGNING_UNAVAILABLE` if the host has no secrets, `CONFIG_FILE_UNREADABLE` if a secret
 * is missing, `KEY_INVALID`, `KEY_UNKNOWN` or `PASSPHRASE_WRONG`.
 */
export async function openKeys(
  host: ReleaseHost,
  releases: readonly Release[],
  held: Disposables,
): Promise<ReadonlyMap<string, ReleaseKeys>> {
  const keys = new Map<string, ReleaseKeys>();
  for (const release of releases) {
    const { name, sign, provenance } = release;
    const { signers } = held.use(await openSigners(host, release, sign));
    const attester = provenance ? [{ key: provenance.key, passphrase: provenance.passphrase }] : [];
    const { signers: [signer] } = held.use(await openSigners(host, release, attester));
    keys.set(name, {
      signers,
      ...(signer ? { provenance: { signer, as: provenance!.as, builder: host.findBuilder?.() } } : {}),
    });
  }
  return keys;
}

async function openSigners(
  host: ReleaseHost,
  { name }: Release,
  keys: readonly ReleaseSigner[],
): Promise<OpenedSigners> {
  if (keys.length === 0) return { signers: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  if (host.openSigners) return await host.openSigners(keys);
  throw new ManifestsError("SIGNING_UNAVAILABLE", `Cannot sign the release ${name}: its keys cannot be read here`);
}
