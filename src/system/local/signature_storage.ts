import { findSignatureStorage } from "../../config/mod.ts";
import { builtInLookaside, loadRegistriesD } from "../../config/files/mod.ts";
import type { SystemContext } from "../../image/mod.ts";
import type { NamedReference } from "../../spec/mod.ts";
import { namespacesOf } from "../../transport/docker/mod.ts";

/** Where the signatures of an image in a registry are. */
export interface FoundStorage {
  /** Where simple signatures are read; `undefined`: nowhere. */
  readonly lookaside?: URL | undefined;
  /** Where they are written; `undefined`: nowhere. */
  readonly lookasideStaging?: URL | undefined;
  /** Whether signatures are attached to the image in the registry. */
  readonly attachments: boolean;
}

/**
 * Where `registries.d` says that the signatures of an image are; where it is silent, in the built-in place.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` or `CONFIG_FILE_UNREADABLE`.
 */
export async function loadSignatureStorage(reference: NamedReference, context: SystemContext): Promise<FoundStorage> {
  const scopes = [String(reference), ...namespacesOf(reference)];
  const { read, write, useSigstoreAttachments } = findSignatureStorage(await loadRegistriesD(context), scopes);
  const toUrl = (text = builtInLookaside()) => text === undefined ? undefined : new URL(text);
  return { lookaside: toUrl(read), lookasideStaging: toUrl(write), attachments: useSigstoreAttachments };
}
