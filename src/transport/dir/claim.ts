import { join } from "@std/path";
import { isTemporaryName, removeDeadFiles, tryLockFolder, writeAtomically } from "../../internal/host/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import { IMAGE_FILE_MODE } from "../files/blob_folder.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { readVersion, VERSION_FILE, versionContent } from "./folder.ts";

/**
 * The exclusive right to write to a folder. Without it, the writer that ends last would remove the files of the other.
 */
export class FolderClaim implements Disposable {
  readonly #path: string;
  #lock: Disposable | undefined;
  #prepared: Promise<void> | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Claims a folder; nothing is written yet. A folder that does not exist is claimed when it is created.
   *
   * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` if the path is a file or a folder with other content,
   * `DESTINATION_IN_USE` if another image is being written to it, `TRANSPORT_IO` if it cannot be read.
   */
  static async open(path: string): Promise<FolderClaim> {
    const claim = new FolderClaim(path);
    const info = await explain(path, "read", () => Deno.stat(path).catch(ignoreMissing));
    if (info && !info.isDirectory) throw notAnImage(path, "it is not a folder");
    if (info) await claim.#take();
    return claim;
  }

  /** Creates the folder and writes its version file first, so that a killed run can be repeated. */
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
      await writeAtomically(path, versionContent(false), IMAGE_FILE_MODE);
    });
  }

  async #take(): Promise<void> {
    const lock = await explain(this.#path, "read", () => tryLockFolder(this.#path));
    if (!lock) {
      throw new ManifestsError(
        "DESTINATION_IN_USE",
        `Cannot write an image to folder ${
          JSON.stringify(this.#path)
        }: another image is being written to it: try again later, or use another folder`,
      );
    }
    try {
      await assertImageFolder(this.#path);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    this.#lock = lock;
  }
}

/** Throws if a folder has content other than an image, so that a wrong path does not destroy its files. */
async function assertImageFolder(path: string): Promise<void> {
  if (await findVersion(path) !== undefined) return;
  await explain(path, "read", async () => {
    for await (const { name } of Deno.readDir(path)) {
      // A run that was killed before it wrote the version file has left only temporary files.
      if (!isTemporaryName(name)) {
        throw notAnImage(path, `it contains ${JSON.stringify(name)}, but no file "version" of an image`);
      }
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
    `Cannot write an image to folder ${JSON.stringify(path)}: ${problem}: use another folder, or remove its content`,
    { cause },
  );
}
