import type { SystemContext } from "../../image/room.ts";
import { writeAll } from "../../internal/host/room.ts";
import { type ByteStream, readChunks } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** Opens an empty temporary file that may become large. It has no name any more: it goes when it is closed. */
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
    throw new ManifestsError("TRANSPORT_IO", `Cannot make a temporary file${where}`, { cause });
  }
}

/** Writes a stream to the end of a file. */
export async function spool(stream: ByteStream, file: Deno.FsFile): Promise<void> {
  for await (const chunk of readChunks(stream)) await writeAll(file, chunk);
}
