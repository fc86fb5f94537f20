import { join } from "@std/path";

/** Lists the files of a folder, as paths relative to `root` with slashes. */
export async function listFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = folder === "" ? name : `${folder}/${name}`;
    files.push(...(isDirectory ? await listFiles(root, path) : [path]));
  }
  return files;
}
