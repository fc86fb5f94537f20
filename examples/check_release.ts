// deno-lint-ignore-file no-console -- A script says what it found.
/**
 * Fails unless an index has all of these platforms and is complete: every manifest and blob exists, and each image is for
 * the platform of its entry.
 *
 *     deno run --allow-net=quay.io check_release.ts quay.io/me/app:1.0 linux/amd64 linux/arm64
 */
import { inspectIndex, validateIndex } from "@multiarch/manifests/remote";
import { formatPlatform, matchesPlatform, parsePlatform } from "@multiarch/manifests/spec";
import { readOptions } from "./options.ts";

const { args: [image, ...required], systemContext } = readOptions("check_release.ts IMAGE PLATFORM…");
const { instances } = await inspectIndex(image!, { systemContext });
// Attestations, such as provenance, have the platform unknown/unknown.
const platforms = instances.flatMap(({ platform }) => platform && platform.os !== "unknown" ? [platform] : []);
const has = (required: string) => platforms.some((platform) => matchesPlatform(platform, parsePlatform(required)));
const missing = required.filter((platform) => !has(platform));
const { problems } = await validateIndex(image!, { systemContext });
for (const platform of missing) console.error(`${platform} is missing`);
for (const { platform, problem } of problems) console.error(`${platform ?? "the index"}: ${problem}`);
if (missing.length + problems.length > 0) Deno.exit(1);
console.log(`${image} has ${platforms.map(formatPlatform).join(", ")}`);
