import { isManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import type { SignedIdentity } from "./types.ts";

/**
 * Whether a signature under one name is accepted for an image that is used under another.
 *
 * @param used The name under which the image is used; `undefined` if it has no name of a registry.
 * @param signed The name in the signature.
 */
export function matchesIdentity(
  identity: SignedIdentity,
  used: NamedReference | undefined,
  signed: string,
): boolean {
  const parsed = parse(signed);
  if (!parsed) return false;
  switch (identity.type) {
    case "exactReference":
      return sameReference(parseReference(identity.dockerReference), parsed);
    case "exactRepository":
      return sameRepository(parseReference(identity.dockerRepository), parsed);
    case "matchExact":
      return used !== undefined && sameReference(used, parsed);
    case "matchRepository":
      return used !== undefined && sameRepository(used, parsed);
    case "matchRepoDigestOrExact":
      return used !== undefined && sameRepositoryAndTag(used, parsed);
    case "remapIdentity": {
      const mapped = used && remap(used, identity.prefix, identity.signedPrefix);
      return mapped !== undefined && sameRepositoryAndTag(mapped, parsed);
    }
    default:
      identity satisfies never;
      return false;
  }
}

function sameReference(a: NamedReference, b: NamedReference): boolean {
  return !isNameOnly(a) && !isNameOnly(b) && String(a) === String(b);
}

function sameRepository(a: NamedReference, b: NamedReference): boolean {
  return a.name === b.name;
}

/** A digest does not name a tag, so any tag of its repository matches: the signed digest is compared separately. */
function sameRepositoryAndTag(used: NamedReference, signed: NamedReference): boolean {
  if (isNameOnly(signed)) return false;
  if (used.tag !== undefined) return String(used) === String(signed);
  return used.digest !== undefined && sameRepository(used, signed);
}

/**
 * Replaces the prefix of a name; a name with another prefix is returned unchanged. `undefined` if the result is
 * invalid.
 */
function remap(used: NamedReference, prefix: string, signedPrefix: string): NamedReference | undefined {
  if (used.name !== prefix && !used.name.startsWith(`${prefix}/`)) return used;
  const text = signedPrefix + String(used).slice(prefix.length);
  const mapped = parse(text);
  return mapped && String(mapped) === text ? mapped : undefined;
}

function isNameOnly(reference: NamedReference): boolean {
  return reference.tag === undefined && reference.digest === undefined;
}

function parse(text: string): NamedReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}
