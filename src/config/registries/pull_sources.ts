import { isManifestsError, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import { findRegistry, matchPrefix } from "./match.ts";
import type { RegistriesConf, RegistryEntry, RegistryMirror } from "./types.ts";

/** A place that a reference may be pulled from. */
export interface PullSource {
  /** The reference in that place. */
  readonly reference: NamedReference;
  /** Whether plain HTTP and certificates that nobody vouches for are fine there. */
  readonly insecure: boolean;
  /** Whether the place is a mirror. */
  readonly isMirror: boolean;
}

/**
 * The places that a reference may be pulled from, in the order in which they are tried: mirrors that serve such a
 * reference, then the registry itself, at its location.
 *
 * @throws {ManifestsError} With code `REGISTRY_BLOCKED`; `CONFIG_FILE_INVALID` where a location makes no reference of it.
 */
export function pullSources(conf: RegistriesConf, reference: NamedReference): readonly PullSource[] {
  const entry = findRegistry(conf, reference.name);
  if (!entry) return [{ reference, insecure: false, isMirror: false }];
  assertNotBlocked(conf, reference);
  const wanted = reference.digest === undefined ? "tag-only" : "digest-only";
  const mirrors = entry.mirrors.filter(({ pullFromMirror }) => pullFromMirror === "all" || pullFromMirror === wanted);
  const place = (endpoint: RegistryEntry | RegistryMirror, isMirror: boolean): PullSource => ({
    reference: rewrite(reference, entry, endpoint.location),
    insecure: endpoint.insecure,
    isMirror,
  });
  return [...mirrors.map((mirror) => place(mirror, true)), place(entry, false)];
}

/**
 * Refuses a reference that may not be used.
 *
 * @throws {ManifestsError} With code `REGISTRY_BLOCKED`.
 */
export function assertNotBlocked(conf: RegistriesConf, reference: NamedReference): void {
  const entry = findRegistry(conf, reference.name);
  if (!entry?.blocked) return;
  throw new ManifestsError(
    "REGISTRY_BLOCKED",
    `Cannot use ${reference} as registry ${entry.prefix} is blocked in ${entry.file}`,
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
      `Cannot pull ${text} from location ${JSON.stringify(location)} of prefix ${
        JSON.stringify(prefix)
      } in ${file} as ` +
        `${JSON.stringify(rewritten)} is no reference`,
      { cause },
    );
  }
}
