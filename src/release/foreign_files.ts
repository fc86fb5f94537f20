import { parseReference } from "../spec/room.ts";
import { checkTree } from "./document/check.ts";
import { IMAGE } from "./document/formats.ts";
import { failAt, type TableTree, type Tree } from "./document/tree.ts";
import { readSpecTree, type SpecFile } from "./spec_file.ts";
import type { ReleaseFile } from "./types.ts";

/** Options for {@linkcode findForeignFile}. */
interface ForeignFileOptions {
  /** Path of the file, for messages. */
  readonly path: string;
  /** Names of the index, which a list of images does not say; further names for a file of manifest-tool. */
  readonly to: readonly string[];
}

/**
 * Reads a file of manifest-tool, or a list of images, as a release; `undefined` for any other document.
 *
 * @throws {ConfigFileError} If it is a list of images, and no name is given for the index.
 */
export function findForeignFile(tree: Tree, text: string, { path, to }: ForeignFileOptions): ReleaseFile | undefined {
  const content = tree.kind === "table" ? findSpec(tree) : listImages(tree, text);
  if (!content) return undefined;
  const names = [...content.names, ...to];
  const [first] = names;
  if (first === undefined) return failAt(tree, "it is a list of images without a name for the index: add --to NAME");
  const targets = names.map((name) => String(parseReference(name).withDefaultTag()));
  const { annotations, sources } = content;
  const release = {
    name: parseReference(first).path.split("/").at(-1)!,
    targets: [...new Set(targets)],
    sources,
    order: "given",
    require: [],
    annotations,
    immutable: [],
    sign: [],
  } as const;
  return { path, releases: [release] };
}

/** Reads a file of manifest-tool, which has other keys than a release file. */
function findSpec(tree: TableTree): SpecFile | undefined {
  const isSpec = tree.members.has("manifests") && !tree.members.has("releases");
  return isSpec ? readSpecTree(tree) : undefined;
}

/** Returns the images of a sequence of images, or of lines of images. */
function listImages(tree: Exclude<Tree, TableTree>, text: string): SpecFile {
  const items = { kind: "text", description: "", format: IMAGE } as const;
  const images = tree.kind === "list"
    ? checkTree(tree, { kind: "list", description: "", items, isFilled: true })
    : text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return { names: [], annotations: {}, sources: images.map((image) => ({ image })) };
}
