import { findCiBuilder } from "../../actions/room.ts";
import { readEnv } from "../../config/files/room.ts";
import { LOCAL_RUNTIME, readDigestFolder } from "../../system/local/room.ts";
import type { ReleaseHost } from "../host.ts";
import { resolveFrom, resolveImagePath } from "./paths.ts";
import { openReleaseSigners } from "./secrets.ts";

/**
 * Creates the host of a release file on a disk.
 *
 * @param folder Folder of the release file, where relative paths in it begin.
 */
export function createReleaseHost(folder: string): ReleaseHost {
  return {
    runtime: LOCAL_RUNTIME,
    locate: (image) => resolveImagePath(folder, image),
    readDigests: async ({ dir, repository }) =>
      (await readDigestFolder(resolveFrom(folder, dir))).map((digest) => `${repository}@${digest}`),
    openSigners: (signers) => openReleaseSigners(signers, folder),
    findBuilder: () => findCiBuilder(readEnv),
  };
}
