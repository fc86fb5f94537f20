import { isShortName, resolveShortNameWith } from "../../config/room.ts";
import { loadRegistriesConf, loadShortNameAliases } from "../../config/files/room.ts";
import type { ImageReference, SystemContext } from "../../image/room.ts";
import { LOCAL_HOST } from "./host.ts";

/**
 * The images that a name may mean which a person typed: of a short name, those that `registries.conf` says, in the order
 * in which they are to be tried; of any other, the one that it names. Go: `shortnames.Resolve`. Nobody is asked: where
 * the mode is `enforcing`, a name that may mean several images is refused.
 *
 * @throws {ManifestsError} With code `SHORT_NAME_UNRESOLVED`, `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` and those
 * of `parseImageName`.
 *
 * @example
 * ```ts
 * import { resolveShortName } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const [reference] = await resolveShortName("quay.io/me/app");
 * assert.equal(String(reference), "docker://quay.io/me/app:latest");
 * ```
 */
export async function resolveShortName(
  name: string,
  systemContext: SystemContext = {},
): Promise<readonly ImageReference[]> {
  const reference = LOCAL_HOST.transports.parseImageName(name);
  if (reference.transport !== "docker" || !isShortName(name)) return [reference];
  const [conf, userAliases] = await Promise.all([
    loadRegistriesConf(systemContext),
    loadShortNameAliases(systemContext),
  ]);
  const { candidates } = resolveShortNameWith(conf, name, { userAliases, mode: systemContext.shortNameMode });
  return candidates.map((candidate) => LOCAL_HOST.transports.parseImageName(`docker://${candidate}`));
}
