import type { ByteText } from "./byte_text.ts";
import { loadLibc, S } from "./libc.ts";
import { isType, listNames, openFolder } from "./nodes.ts";
import type { Tree } from "./tree.ts";

/**
 * Removes everything in a folder of a tree that is not in `own`, which has the paths of an archive so far and of the
 * folders above them.
 */
export function removeUncovered(tree: Tree, folder: ByteText, own: ReadonlySet<ByteText>): void {
  const found = tree.find(folder);
  if (!found || !isType(found, S.FOLDER)) return;
  const fd = openFolder(tree.place(folder));
  try {
    for (const name of listNames(fd)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (own.has(path)) removeUncovered(tree, path, own);
      else tree.remove(path);
    }
  } finally {
    loadLibc().close(fd);
  }
}
