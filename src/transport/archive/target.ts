import { basename, dirname, join } from "@std/path";
import type { SystemContext } from "../../image/room.ts";
import { createTemporaryFile, removeDeadFiles, type TemporaryFile } from "../../internal/host/room.ts";
import type { ByteStream, SignalOptions } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { archiveError } from "./errors.ts";
import { openSpool } from "./spool.ts";

/** The target of an archive that is about to be written. */
export interface ArchiveTarget {
  /** Path of the file to write, with links resolved. */
  readonly path: string;
  /** Kind of the existing object at the path; `stream` is a pipe or a device. */
  readonly kind: "nothing" | "file" | "stream";
  /** Size of the existing file in bytes; 0 if there is none. */
  readonly size: number;
  /** Permissions of the existing file, which the new file gets; `undefined` if there is none. */
  readonly mode: number | undefined;
}

/** A file in which an archive is built. Disposing removes it unless it was published. */
export interface UnpublishedFile extends Pick<TemporaryFile, "file">, AsyncDisposable {
  /** Moves the file to `path`, or sends its content there. */
  publish(path: string, options: SignalOptions): Promise<void>;
}

/** Examines the path at which an archive is about to be written. */
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
      `Cannot write archive ${JSON.stringify(path)}: it is a folder`,
    );
  }
  // A pipe or a device, such as /dev/stdout, must be written to and never replaced.
  if (!info.isFile) return { path, kind: "stream", size: 0, mode: undefined };
  const mode = info.mode === null ? undefined : info.mode & 0o777;
  return { path: await Deno.realPath(path), kind: "file", size: info.size, mode };
}

/** Opens the temporary file in which an archive is built until it is published as a whole. */
export async function openTemporary(target: ArchiveTarget, context: SystemContext): Promise<UnpublishedFile> {
  if (target.kind === "stream") return await openForStream(target.path, context);
  const folder = dirname(target.path);
  await removeDeadFiles(folder);
  return await createTemporaryFile(folder, target.mode);
}

/**
 * Opens a temporary file for an archive that goes to a pipe: headers need sizes that are only known after the content.
 */
async function openForStream(path: string, context: SystemContext): Promise<UnpublishedFile> {
  return await openForSending(async (archive) => {
    const stream = await Deno.open(path, { write: true });
    await archive.pipeTo(stream.writable);
  }, context);
}

/**
 * Opens a temporary file for an archive that is sent as a stream when it is complete.
 *
 * @param send Sends the archive. It reads or cancels the stream, which closes the file.
 */
export async function openForSending(
  send: (archive: ByteStream, options: SignalOptions) => Promise<void>,
  context: SystemContext,
): Promise<UnpublishedFile> {
  const file = await openSpool(context);
  let open = true;
  return {
    file,
    async publish(_path, options) {
      await file.seek(0, Deno.SeekMode.Start);
      open = false;
      await send(file.readable, options);
    },
    [Symbol.asyncDispose]() {
      if (open) file.close();
      return Promise.resolve();
    },
  };
}
