/**
 * Tools that no distribution has as new as the tests want them, built of `tests/oracles` by `deno task oracles`: cosign,
 * and the newest go.podman.io/image in place of the newest skopeo.
 */
import { createHash } from "node:crypto";

/** Their sources: a Go module that names every version. */
export const ORACLE_SOURCES = new URL("../oracles/", import.meta.url).pathname;

/** Folder of the built oracles: outside of the checkout, one for each state of the sources. */
export const ORACLES: string = folderFor("go.mod", "go.sum", "main.go");

/** The same for the one that only needs the newest Go. */
export const SMALL_ORACLES: string = folderFor("media_types/go.mod", "media_types/main.go");

/** Folder of the peers that only benchmarks need: crane, regctl and oras. */
export const PEERS = `${cacheFolder()}/multiarch-manifests-oracles/peers`;

/** The newest cosign. */
export const COSIGN = `${ORACLES}/cosign`;

/** The newest cosign of version 2, with the dependencies of the newest cosign. */
export const COSIGN_2 = `${ORACLES}/cosign2`;

/** Copies images as the newest skopeo does; see `tests/oracles/main.go`. */
export const IMAGECOPY = `${ORACLES}/imagecopy`;

/** Says which media type buildah gives to files; see `tests/oracles/media_types/main.go`. */
export const MEDIATYPES = `${SMALL_ORACLES}/mediatypes`;

function folderFor(...files: string[]): string {
  return `${cacheFolder()}/multiarch-manifests-oracles/${hashOf(...files)}`;
}

function cacheFolder(): string {
  return Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? ""}/.cache`;
}

function hashOf(...files: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(Deno.readFileSync(`${ORACLE_SOURCES}${file}`));
  return hash.digest("hex").slice(0, 16);
}
