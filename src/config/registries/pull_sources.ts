import { isManifestsError, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import { findRegistry, matchPrefix } from "./match.ts";
import type { RegistriesConf, RegistryEntry, RegistryMirror } from "./types.ts";

/** A registry or mirror from which a reference may be pulled. */
export interface PullSource {
  /** The reference in this registry or mirror. */
  readonly reference: NamedReference;
  /** Whether plain HTTP and unverified TLS certificates are allowed. */
  readonly insecure: boolean;
  /** Whether this is a mirror. */
  readonly isMirror: boolean;
}

/**
 * Returns the sources of a reference in the order in which they are tried: the mirrors that serve this kind of
 * reference, then the registry at its configured location.
 *
 * @throws {ManifestsError} With code `REGISTRY_BLOCKED`, or `CONFIG_FILE_INVALID` if a location turns it into an
 * invalid reference.
 */
export function pullSources(conf: RegistriesConf, reference: NamedReference): readonly PullSource[] {
  const entry = findRegistry(conf, reference.name);
  if (!entry) return [{ reference, insecure: false, isMirror: false }];
  assertNotBlocked(conf, reference);
  const mode = reference.digest === undefined ? "tag-only" : "digest-only";
  const mirrors = entry.mirrors.filter(({ pullFromMirror }) => pullFromMirror === "all" || pullFromMirror === mode);
  const toSource = (endpoint: RegistryEntry | RegistryMirror, isMirror: boolean): PullSource => ({
    reference: rewrite(reference, entry, endpoint.location),
    insecure: endpoint.insecure,
    isMirror,
  });
  return [...mirrors.map((mirror) => toSource(mirror, true)), toSource(entry, false)];
}

/**
 * Asserts that the configuration does not block a reference.
 *
 * @throws {ManifestsError} With code `REGISTRY_BLOCKED`.
 */
export function assertNotBlocked(conf: RegistriesConf, reference: NamedReference): void {
  const entry = findRegistry(conf, reference.name);
  if (!entry?.blocked) return;
  throw new ManifestsError(
    "REGISTRY_BLOCKED",
    `Cannot use ${reference}: registry ${entry.prefix} is blocked in ${entry.file}: use another registry, or remove "blocked" there`,
  );
}

function rewrite(reference: NamedReference, { prefix, file }: RegistryEntry, location: string): NamedReference {
  if (location === "") return reference;
  const text = String(reference);
  const rewritten = location + text.slice(matchPrefix(text, prefix));
  try {
    return parseReference(rewritten);
  } catch (cause) {
    if (!isManifestsError(cause)) throw cause;
    throw new ManifestsError(
      "CONFIG_FILE_INVALID",
      `Cannot pull ${text} from location ${JSON.stringify(location)} of prefix ${JSON.stringify(prefix)} in ${file}: ` +
        `${JSON.stringify(rewritten)} is not a valid reference`,
      { cause },
    );
  }
}
