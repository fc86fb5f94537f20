import { dirname } from "@std/path";
import { createTemporaryFile, syncFolder } from "./temporary_file.ts";
import { writeAll } from "./write_all.ts";

/** File to write, with its content. */
export interface FileContent {
  /** Path of the file to replace or create. */
  readonly path: string;
  /** Bytes that replace the content of the file. */
  readonly content: Uint8Array;
}

/**
 * Replaces a file's content atomically: readers, and a system that restarts after a crash, see the old content or the
 * new content. The content is written to a temporary file in the same folder and synced; the temporary file is renamed
 * over the old file, and the folder is synced. If a step fails, the temporary file is removed.
 *
 * @param mode Permissions of the file. Default: `0o600`.
 */
export async function writeAtomically(path: string, content: Uint8Array, mode = 0o600): Promise<void> {
  await writeAllAtomically([{ path, content }], { mode });
}

/** Options of {@linkcode writeAllAtomically}. */
export interface AtomicWriteOptions {
  /** Permissions of the files. Default: `0o600`. */
  readonly mode?: number;
  /** Folder on the same disk for the temporary files. Default: for each file its own folder. */
  readonly temporaryFolder?: string;
}

/**
 * Replaces several files of one disk, in the given order. All content is on the disk before the first file is replaced,
 * so that a full disk leaves all files unchanged.
 */
export async function writeAllAtomically(
  files: readonly FileContent[],
  { mode = 0o600, temporaryFolder }: AtomicWriteOptions = {},
): Promise<void> {
  await using temporaries = new AsyncDisposableStack();
  const renames: (() => Promise<void>)[] = [];
  for (const { path, content } of files) {
    const temporary = temporaries.use(await createTemporaryFile(temporaryFolder ?? dirname(path), mode));
    await writeAll(temporary.file, content);
    await temporary.sync();
    renames.push(() => temporary.rename(path));
  }
  for (const rename of renames) await rename();
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(folder);
}
