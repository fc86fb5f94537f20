import { dirname } from "@std/path";
import { readEnv, readOptional } from "../../config/files/room.ts";
import { decodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { parseReleaseFile, type ParseReleaseFileOptions } from "../parse_release_file.ts";
import type { ReleaseFile } from "../types.ts";

/** Names of a release file that no option names, in the order in which they are looked for. */
const DEFAULT_NAMES: readonly string[] = ["manifests.yaml", "manifests.yml"];
/** Maximum size of a release file, in bytes. */
const MAX_SIZE = 1024 * 1024;

/** Options for {@linkcode readReleaseFile}. */
export interface ReadReleaseFileOptions extends Pick<ParseReleaseFileOptions, "variables" | "to"> {
  /** Path of the file. Default: `manifests.yaml` or `manifests.yml` in the working directory. */
  readonly path?: string | undefined;
}

/** A release file that was read from a disk. */
export interface LoadedReleaseFile {
  /** The content of the file. */
  readonly file: ReleaseFile;
  /** Folder of the file, where relative paths in it begin. */
  readonly folder: string;
  /** Path of its lock file, which may not exist. */
  readonly lockPath: string;
}

/**
 * Reads a release file. Its variables can come from the environment.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE` if the file does not exist or cannot be read,
 * `CONFIG_FILE_INVALID` if it has a fault.
 */
export async function readReleaseFile(options: ReadReleaseFileOptions = {}): Promise<LoadedReleaseFile> {
  const { path, ...rest } = options;
  const paths = path === undefined ? DEFAULT_NAMES : [path];
  for (const path of paths) {
    const bytes = await readOptional(path);
    if (!bytes) continue;
    if (bytes.length > MAX_SIZE) fail(path, `it is larger than ${MAX_SIZE} bytes`);
    const file = await parseReleaseFile(decodeUtf8(bytes), { ...rest, path, findEnv: readEnv });
    return { file, folder: dirname(path), lockPath: `${path}.lock.json` };
  }
  return fail(paths.join(" or "), path === undefined ? "no such file: name one with --file" : "no such file");
}

function fail(path: string, problem: string): never {
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read the release file ${path}: ${problem}`);
}
