import { formatPlatform, type Platform } from "../../src/spec/room.ts";

/** Platforms of instances as texts, as in `linux/arm64`; `undefined` for an instance without one. */
export function platformTexts(
  instances: readonly { readonly platform: Platform | undefined }[],
): (string | undefined)[] {
  return instances.map(({ platform }) => platform && formatPlatform(platform));
}
