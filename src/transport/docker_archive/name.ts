import { ManifestsSyntaxError, type NamedReference, parseReference } from "../../spec/room.ts";

/** The image that a reference names: by name, by position in `manifest.json`, or (`undefined`) the only one. */
export type ArchiveImage = { readonly name: NamedReference } | { readonly position: number } | undefined;

/** Parses the name of an image in an archive. The tag is `latest` by default; a digest is rejected. */
export function parseTaggedName(text: string, whole: string = text): NamedReference {
  const name = parseReference(text).withDefaultTag();
  if (name.tag === undefined) failReference(whole, `the reference does not include a tag: ${name}`);
  if (name.digest !== undefined) failReference(whole, `docker-archive doesn't support digest references: ${name}`);
  return name;
}

/** Throws `INVALID_REFERENCE` for a reference that cannot be parsed. */
export function failReference(text: string, problem: string): never {
  throw new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot parse docker-archive reference ${JSON.stringify(text)}: ${problem}`,
  );
}
