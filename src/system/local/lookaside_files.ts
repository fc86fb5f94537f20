import { dirname, fromFileUrl } from "@std/path";
import { writeAtomically } from "../../internal/host/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { LookasideFiles } from "../../transport/docker/room.ts";

/** The modes that podman and skopeo use: signatures are public. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

/** The lookaside directories of this host. */
export const lookasideFiles: LookasideFiles = {
  async read(url, limit) {
    const path = fromFileUrl(url);
    return await explained(`read signature "${path}"`, async () => {
      const found = await Deno.stat(path).catch(ignoreMissing);
      if (!found) return undefined;
      // Opening a pipe would block until another process opens it for writing.
      assertFile(found);
      using file = await Deno.open(path);
      const { size } = assertFile(await file.stat());
      if (size > limit) {
        throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read signature "${path}": it has more than ${limit} bytes`);
      }
      const bytes = new Uint8Array(size);
      let at = 0;
      for (let count; at < size && (count = await file.read(bytes.subarray(at)));) at += count;
      return bytes.subarray(0, at);
    });
  },
  async write(url, bytes) {
    const path = fromFileUrl(url);
    await explained(`write signature "${path}"`, async () => {
      await Deno.mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
      await writeAtomically(path, bytes, FILE_MODE);
    });
  },
  async remove(url) {
    const path = fromFileUrl(url);
    return await explained(`remove signature "${path}"`, async () => {
      const removed = await Deno.remove(path).then(() => true).catch(ignoreMissing);
      return removed ?? false;
    });
  },
};

/** Checked again after opening: another process may have replaced the file, for instance by an endless device. */
function assertFile(info: Deno.FileInfo): Deno.FileInfo {
  if (!info.isFile) throw new Error("it is not a regular file");
  return info;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
}

async function explained<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ManifestsError) throw cause;
    throw new ManifestsError("TRANSPORT_IO", `Cannot ${action}: ${(cause as Error).message}`, { cause });
  }
}
