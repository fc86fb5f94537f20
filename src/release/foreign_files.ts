import { parseReference } from "../spec/room.ts";
import { checkTree } from "./document/check.ts";
import { IMAGE } from "./document/formats.ts";
import { failAt, type Tree } from "./document/tree.ts";
import type { ReleaseFile } from "./types.ts";

/** Options for {@linkcode findForeignFile}. */
interface ForeignFileOptions {
  readonly path: string;
  /** Names of the index, which a list of images does not say. */
  readonly to: readonly string[];
}

/** Reads a file that is not a release file, but as good as one; `undefined` for any other document. */
export function findForeignFile(tree: Tree, text: string, options: ForeignFileOptions): ReleaseFile | undefined {
  const { path, to } = options;
  const images = findImages(tree, text);
  if (!images) return undefined;
  const [first] = to;
  if (first === undefined) failAt(tree, "it is a list of images without a name for the index: add --to NAME");
  const name = parseReference(first).path.split("/").at(-1)!;
  const targets = to.map((target) => String(parseReference(target).withDefaultTag()));
  const release = { annotations: {}, immutable: [], require: [], sign: [], order: "given" } as const;
  return { path, releases: [{ ...release, name, targets, sources: images.map((image) => ({ image })) }] };
}

/** Returns the images of a sequence of images, or of lines of images. */
function findImages(tree: Tree, text: string): readonly string[] | undefined {
  if (tree.kind === "table") return undefined;
  const items = { kind: "text", description: "", format: IMAGE } as const;
  if (tree.kind === "list") return checkTree(tree, { kind: "list", description: "", items, isFilled: true });
  const lines = text.split("\n").map((line) => line.replace(/(^|\s)#.*/, "").trim());
  return lines.filter((line) => line !== "");
}
