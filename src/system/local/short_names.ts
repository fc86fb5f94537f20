import { isShortName, resolveShortNameWith } from "../../config/room.ts";
import { loadRegistriesConf, loadShortNameAliases } from "../../config/files/room.ts";
import type { ImageReference, SystemContext } from "../../image/room.ts";
import { dropTagOfDigest } from "../../spec/room.ts";
import { LOCAL_HOST } from "./host.ts";

/**
 * Returns the images that a name may refer to: for a short name, those that `registries.conf` specifies, in the order in
 * which they are to be tried; for any other name, exactly one. Go: `shortnames.Resolve`. The user is not asked: if the
 * mode is `enforcing`, a short name that may refer to several images is refused.
 *
 * @throws {ManifestsError} With code `SHORT_NAME_UNRESOLVED` if several images are possible; `CONFIG_FILE_INVALID` or
 * `CONFIG_FILE_UNREADABLE`; `UNSUPPORTED_TRANSPORT` or `TRANSPORT_NOT_SUPPORTED` for such a transport.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
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
  const parse = (text: string) => LOCAL_HOST.transports.parseImageName(dropTagOfDigest(text));
  const reference = parse(name);
  if (reference.transport !== "docker" || !isShortName(name)) return [reference];
  const [conf, userAliases] = await Promise.all([
    loadRegistriesConf(systemContext),
    loadShortNameAliases(systemContext),
  ]);
  const { candidates } = resolveShortNameWith(conf, name, { userAliases, mode: systemContext.shortNameMode });
  return candidates.map((candidate) => parse(`docker://${candidate}`));
}
