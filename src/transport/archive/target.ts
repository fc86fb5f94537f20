import { basename, dirname, join } from "@std/path";
import type { SystemContext } from "../../image/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { archiveError } from "./errors.ts";
import { openSpool } from "./spool.ts";
import { createTemporaryFile, removeDeadFiles, type TemporaryFile } from "../files/temporary_file.ts";

/** What is where an archive is to be written. */
export interface ArchiveTarget {
  /** The path, without links, of what will be written. */
  readonly path: string;
  /** What is there now. */
  readonly kind: "nothing" | "file" | "stream";
  /** Size in bytes of a file that is there now, else 0. */
  readonly size: number;
  /** Permissions of a file that is there now, which its successor gets. */
  readonly mode: number | undefined;
}

/** Finds out what is where an archive is to be written. */
export async function findTarget(path: string): Promise<ArchiveTarget> {
  try {
    const info = await Deno.stat(path).catch(ignoreMissing);
    if (info) return await describeTarget(path, info);
    const real = join(await Deno.realPath(dirname(path)), basename(path));
    return { path: real, kind: "nothing", size: 0, mode: undefined };
  } catch (error) {
    throw archiveError(error, "write", path);
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function describeTarget(path: string, info: Deno.FileInfo): Promise<ArchiveTarget> {
  if (info.isDirectory) {
    throw new ManifestsError(
      "DESTINATION_NOT_AN_IMAGE",
      `Cannot write archive ${JSON.stringify(path)} as it is a folder`,
    );
  }
  // A pipe or a device, such as /dev/stdout, is written to and never replaced.
  if (!info.isFile) return { path, kind: "stream", size: 0, mode: undefined };
  const mode = info.mode === null ? undefined : info.mode & 0o777;
  return { path: await Deno.realPath(path), kind: "file", size: info.size, mode };
}

/** Opens the file in which an archive is built before it is, at once, where it belongs. */
export async function openTemporary(target: ArchiveTarget, context: SystemContext): Promise<TemporaryFile> {
  if (target.kind === "stream") return await openForStream(target.path, context);
  const folder = dirname(target.path);
  await removeDeadFiles(folder);
  return await createTemporaryFile(folder, target.mode);
}

/** What goes to a pipe is built in a file too: headers are written when sizes are known. */
async function openForStream(path: string, context: SystemContext): Promise<TemporaryFile> {
  const file = await openSpool(context);
  let open = true;
  return {
    file,
    async publish() {
      await file.seek(0, Deno.SeekMode.Start);
      const stream = await Deno.open(path, { write: true });
      open = false;
      await file.readable.pipeTo(stream.writable);
    },
    [Symbol.asyncDispose]() {
      if (open) file.close();
      return Promise.resolve();
    },
  };
}
