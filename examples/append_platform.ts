// deno-lint-ignore-file no-console -- A script says what it did.
/**
 * Adds images to an index, which is created if it does not exist: the last step of each job of a build. Jobs may run at
 * the same time and in any order: no job loses the entries of another.
 *
 *     deno run --allow-net=quay.io --allow-env=REGISTRY_USER,REGISTRY_PASSWORD \
 *       append_platform.ts quay.io/me/app:nightly quay.io/me/app:nightly-arm64
 */
import { appendToIndex, inspectIndex } from "@multiarch/manifests/remote";
import { formatPlatform } from "@multiarch/manifests/spec";
import { readOptions } from "./options.ts";

const { args, systemContext } = readOptions("append_platform.ts INDEX IMAGE…");
const [index, ...images] = args;
await appendToIndex(index!, images, { create: true, systemContext });
for (const { platform, digest } of (await inspectIndex(index!, { systemContext })).instances) {
  console.log(`${platform ? formatPlatform(platform) : "no platform"}  ${digest}`);
}
