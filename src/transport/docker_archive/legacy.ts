import { encodeUtf8 } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, rawMembers, sortedMap } from "../../json/room.ts";
import { type Digest, digestHex, digestOf, type NamedReference } from "../../spec/room.ts";
import type { NewMember } from "../archive/writer.ts";

/** What the configuration of the top layer takes over from the image's. */
const INHERITED = [
  "architecture",
  "config",
  "container",
  "container_config",
  "created",
  "docker_version",
  "os",
] as const;

/** How `docker load` knew images before there was `manifest.json`. */
export interface LegacyImage {
  /** A folder per layer. */
  readonly members: readonly NewMember[];
  /** The name of the top layer's folder; `undefined` where there are no layers. */
  readonly topId: string | undefined;
}

/**
 * Makes the members that only old readers need: a folder per layer, named by what c/image would name it, with a link
 * to the layer and a configuration.
 *
 * @param layers Digests of the layers, base first.
 * @param fileOf The member that has a layer.
 */
export function legacyMembers(
  layers: readonly Digest[],
  { config, mode, fileOf }: { config: Uint8Array; mode: number; fileOf(digest: Digest): string },
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
      // A link has no permissions of its own; Go writes none.
      { name: `${id}/layer.tar`, type: "symlink", linkName: `../${fileOf(digest)}`, mode: 0 },
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

/** The member `repositories`: the top layer of each name. */
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
