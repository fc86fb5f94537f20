import { listStoredLists } from "../../list/room.ts";
import { formatPlatform } from "../../spec/room.ts";
import { loadFromImage } from "../../system/local/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { sanitize } from "../format/width.ts";
import type { Candidate, Expected } from "./words.ts";

/**
 * Finds candidates in the local store: names of lists, or the instances of a list by digest, platform and file. Returns
 * none if the store cannot be read: an error message would end up in the command line that the user types.
 */
export async function findLiveCandidates(
  { live, typed, operands }: Expected,
  context: CommandContext,
): Promise<Candidate[]> {
  if (live !== "lists" && live !== "instances") return [];
  try {
    return live === "lists" ? await findLists(typed, context) : await findInstances(operands[0] ?? "", context);
  } catch {
    return [];
  }
}

async function findLists(typed: string, context: CommandContext): Promise<Candidate[]> {
  await using store = await openLocalStore(context);
  const candidates: Candidate[] = [];
  for await (const { id, names, platforms } of listStoredLists(store)) {
    const description = sanitize(platforms.join(" ")) || "empty";
    const short = names.map((name) => name.replace(/^localhost\//, ""));
    const all = typed.startsWith("localhost/") ? names : short;
    // Ids are only offered after two hexadecimal digits, since most users complete names.
    const ids = /^[0-9a-f]{2,}$/.test(typed) ? [id.slice(0, 12)] : [];
    candidates.push(...[...all, ...ids].map((word) => ({ word, description })));
  }
  return candidates;
}

async function findInstances(name: string, context: CommandContext): Promise<Candidate[]> {
  await using store = await openLocalStore(context);
  const { list } = await loadFromImage(store, name);
  return list.instances().flatMap((digest) => {
    const platform = sanitize(formatPlatform(list.platform(digest)));
    const file = list.files(digest)[0];
    return [
      { word: digest, description: platform || sanitize(list.artifactType(digest)) },
      ...(platform ? [{ word: platform, description: digest }] : []),
      ...(file === undefined ? [] : [{ word: file, description: "artifact" }]),
    ];
  });
}
