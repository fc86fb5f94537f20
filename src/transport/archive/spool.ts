import type { SystemContext } from "../../image/room.ts";
import { FileWriter, writeStream } from "../../internal/host/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/**
 * Opens an empty temporary file that may become large. Its name is removed at once, so the system deletes it when it is
 * closed.
 */
export async function openSpool({ bigFilesTemporaryDir: folder }: SystemContext): Promise<Deno.FsFile> {
  try {
    const path = await Deno.makeTempFile({ prefix: "manifests-", ...(folder ? { dir: folder } : {}) });
    try {
      return await Deno.open(path, { read: true, write: true });
    } finally {
      await Deno.remove(path);
    }
  } catch (cause) {
    const where = folder ? ` in ${JSON.stringify(folder)}` : "";
    throw new ManifestsError("TRANSPORT_IO", `Cannot create a temporary file${where}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Writes a stream to a temporary file, at its current position. */
export async function spool(stream: ByteStream, file: Deno.FsFile): Promise<void> {
  const writer = new FileWriter(file, { syncs: false });
  await writeStream(stream, (chunk) => writer.write(chunk));
}
