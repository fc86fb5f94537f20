import { isManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import type { SignedIdentity } from "./types.ts";

/**
 * Whether a signature under a name counts for an image.
 *
 * @param used The name by which the image is used; `undefined` where its place knows no such names.
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

/** A digest names no tag, so any tag of its repository will do: what was signed is compared by digest anyway. */
function sameRepositoryAndTag(used: NamedReference, signed: NamedReference): boolean {
  if (isNameOnly(signed)) return false;
  if (used.tag !== undefined) return String(used) === String(signed);
  return used.digest !== undefined && sameRepository(used, signed);
}

/** The name under the other prefix; itself where the prefix is not its own; `undefined` where the result is no name. */
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
