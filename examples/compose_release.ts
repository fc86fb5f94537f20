// deno-lint-ignore-file no-console -- A script says what it did.
/**
 * Creates the index of a release from images that jobs have pushed, one tag for each platform, and moves `latest` to it.
 *
 *     deno run --allow-net=quay.io --allow-env=REGISTRY_USER,REGISTRY_PASSWORD \
 *       compose_release.ts quay.io/me/app 1.0 amd64 arm64 s390x
 *
 * creates `quay.io/me/app:1.0` from `quay.io/me/app:1.0-amd64`, `…:1.0-arm64` and `…:1.0-s390x`.
 */
import { composeIndex } from "@multiarch/manifests/remote";
import { readOptions } from "./options.ts";

const { args, systemContext } = readOptions("compose_release.ts REPOSITORY VERSION SUFFIX…");
const [repository, version, ...suffixes] = args;
const target = `${repository}:${version}`;
const { digest } = await composeIndex({
  target,
  tags: ["latest"],
  sources: suffixes.map((suffix) => `${target}-${suffix}`),
  annotations: { "org.opencontainers.image.version": version! },
  systemContext,
});
console.log(`${repository}@${digest}`);
