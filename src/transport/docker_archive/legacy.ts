import { encodeUtf8 } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, rawMembers, sortedMap } from "../../json/room.ts";
import { type Digest, digestHex, digestOf, type NamedReference } from "../../spec/room.ts";
import type { NewMember } from "../archive/writer.ts";

/** Members of the image's configuration that the configuration of the top layer inherits. */
const INHERITED = [
  "architecture",
  "config",
  "container",
  "container_config",
  "created",
  "docker_version",
  "os",
] as const;

/** The format that `docker load` used before `manifest.json` existed. */
export interface LegacyImage {
  /** Members for one folder per layer. */
  readonly members: readonly NewMember[];
  /** Name of the top layer's folder; `undefined` if the image has no layers. */
  readonly topId: string | undefined;
}

/**
 * Creates the members that only old readers need: a folder per layer, with the same name as in c/image
 * (`docker/internal/tarfile/writer.go`, `writeLegacyMetadataLocked`), a link to the layer and a configuration.
 *
 * @param layers Digests of the layers, base first.
 * @param getFile Returns the name of the member that has a layer.
 */
export function legacyMembers(
  layers: readonly Digest[],
  { config, mode, getFile }: { config: Uint8Array; mode: number; getFile(digest: Digest): string },
): LegacyImage {
  const members: NewMember[] = [];
  let parent: string | undefined;
  let chainId: Digest | undefined;
  for (const [i, digest] of layers.entries()) {
    chainId = chainId === undefined ? digest : digestOf(encodeUtf8(`${chainId} ${digest}`));
    const fields: [string, GoJsonValue][] = i === layers.length - 1 ? inheritedFields(config) : [];
    if (parent !== undefined) fields.push(["parent", parent]);
    const id = digestHex(digestOf(encodeSorted([...fields, ["layer_id", chainId]])));
    members.push(
      // Go writes mode 0 for links, which have no permissions.
      { name: `${id}/layer.tar`, type: "symlink", linkName: `../${getFile(digest)}`, mode: 0 },
      { name: `${id}/VERSION`, type: "file", mode, content: encodeUtf8("1.0") },
      { name: `${id}/json`, type: "file", mode, content: encodeSorted([...fields, ["id", id]]) },
    );
    parent = id;
  }
  return { members, topId: parent };
}

function inheritedFields(config: Uint8Array): [string, GoJsonValue][] {
  const members = rawMembers(config, "image configuration");
  return INHERITED.map((name) => [name, members.get(name) ?? null]);
}

/** Encodes the member `repositories`, which maps each name to its top layer. */
export function encodeRepositories(
  names: readonly NamedReference[],
  topId: string | undefined,
): Uint8Array<ArrayBuffer> {
  const repositories = new Map<string, [string, string][]>();
  if (topId !== undefined) {
    for (const { name, tag } of names) repositories.set(name, [...repositories.get(name) ?? [], [tag!, topId]]);
  }
  return encodeSorted(Array.from(repositories, ([name, tags]) => [name, sortedMap(new Map(tags))!]));
}

function encodeSorted(fields: Iterable<readonly [string, GoJsonValue]>): Uint8Array<ArrayBuffer> {
  return encodeGoJson(sortedMap(fields) ?? new Map());
}
