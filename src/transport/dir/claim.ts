import { join } from "@std/path";
import { tryLockFolder } from "../../internal/host/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import { IMAGE_FILE_MODE } from "../files/blob_folder.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { isTemporaryName, removeDeadFiles, replaceFiles } from "../files/temporary_file.ts";
import { readVersion, VERSION_FILE, versionContent } from "./folder.ts";

/** The right to write to a folder, which one has at a time: what ends last removes what is not its own. */
export class FolderClaim implements Disposable {
  readonly #path: string;
  #lock: Disposable | undefined;
  #prepared: Promise<void> | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Claims a folder; nothing is written yet. One that is not there yet is claimed when it is made.
   *
   * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` where something else is in it, `DESTINATION_IN_USE`
   * where somebody else is writing to it.
   */
  static async open(path: string): Promise<FolderClaim> {
    const claim = new FolderClaim(path);
    const info = await explain(path, "read", () => Deno.stat(path).catch(ignoreMissing));
    if (info && !info.isDirectory) throw notAnImage(path, "it is no folder");
    if (info) await claim.#take();
    return claim;
  }

  /** Makes the folder, and marks it as an image's before anything is in it: a run that dies can be made again. */
  async prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    await this.#prepared;
  }

  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  async #prepare(): Promise<void> {
    await explain(this.#path, "write", async () => {
      await Deno.mkdir(this.#path, { recursive: true });
      if (!this.#lock) await this.#take();
      await removeDeadFiles(this.#path);
      const path = join(this.#path, VERSION_FILE);
      if (await readVersion(this.#path) !== undefined) return;
      await replaceFiles([{ path, content: versionContent(false) }], IMAGE_FILE_MODE);
    });
  }

  async #take(): Promise<void> {
    const lock = await explain(this.#path, "read", () => tryLockFolder(this.#path));
    if (!lock) {
      throw new ManifestsError(
        "DESTINATION_IN_USE",
        `Cannot write an image to folder ${JSON.stringify(this.#path)} as another image is being written to it`,
      );
    }
    try {
      await requireImageFolder(this.#path);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    this.#lock = lock;
  }
}

/** Whoever names the wrong folder must not lose what is in it. */
async function requireImageFolder(path: string): Promise<void> {
  if (await findVersion(path) !== undefined) return;
  await explain(path, "read", async () => {
    for await (const { name } of Deno.readDir(path)) {
      // A run that died before it could mark the folder has left only these.
      if (!isTemporaryName(name)) throw notAnImage(path, "it is not a containers image directory");
    }
  });
}

async function findVersion(path: string): Promise<string | undefined> {
  try {
    return await readVersion(path);
  } catch (cause) {
    throw isManifestsError(cause, "LAYOUT_INVALID") ? notAnImage(path, cause.message, cause) : cause;
  }
}

function notAnImage(path: string, problem: string, cause?: unknown): ManifestsError {
  return new ManifestsError(
    "DESTINATION_NOT_AN_IMAGE",
    `Cannot write an image to folder ${JSON.stringify(path)}, to not overwrite important data, as ${problem}`,
    { cause },
  );
}
