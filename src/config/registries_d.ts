import { findUrl } from "../internal/room.ts";
import { type ConfTable, parseYaml, type YamlParser } from "./document/mod.ts";

/** Where the signatures of some images are (a section of `registries.d`). */
export interface SignatureSection {
  /** Base URL to read signatures from, and to write them to where no other is said. */
  readonly lookaside?: string;
  /** Base URL to write signatures to. */
  readonly lookasideStaging?: string;
  /** Whether signatures are kept in the registry, next to the image. */
  readonly useSigstoreAttachments?: boolean;
}

/** What the files of `registries.d` say. */
export interface RegistriesD {
  /** For images that no namespace is for. */
  readonly defaultDocker?: SignatureSection;
  /** By namespace: a repository, its parents, a host, or `*.domain`. */
  readonly docker: ReadonlyMap<string, SignatureSection>;
}

const ATTACHMENTS = "use-sigstore-attachments";

/**
 * Puts the files of a `registries.d` together (containers-registries.d.5).
 *
 * @param files Path and text of each.
 * @throws {ConfigFileError} Where a file is broken, or two say something of the same namespace.
 */
export function parseRegistriesD(
  files: readonly (readonly [path: string, text: string])[],
  yaml: YamlParser,
): RegistriesD {
  const docker = new Map<string, ConfTable>();
  let defaultDocker: ConfTable | undefined;
  for (const [path, text] of files) {
    const root = parseYaml(text, yaml, path, { truthKeys: [ATTACHMENTS] });
    if (root.has("default-docker")) {
      if (defaultDocker) root.fail("default-docker", `is in ${defaultDocker.file} too`);
      defaultDocker = root.table("default-docker");
    }
    const namespaces = root.table("docker");
    for (const namespace of namespaces.keys) {
      const before = docker.get(namespace);
      if (before) namespaces.fail(namespace, `is in ${before.file} too`);
      docker.set(namespace, namespaces.table(namespace));
    }
  }
  return {
    ...(defaultDocker ? { defaultDocker: readStorage(defaultDocker) } : {}),
    docker: new Map(Array.from(docker, ([namespace, table]) => [namespace, readStorage(table)])),
  };
}

function readStorage(table: ConfTable): SignatureSection {
  const lookaside = readUrl(table, "lookaside") ?? readUrl(table, "sigstore");
  const lookasideStaging = readUrl(table, "lookaside-staging") ?? readUrl(table, "sigstore-staging");
  const useSigstoreAttachments = table.boolean(ATTACHMENTS);
  return {
    ...(lookaside === undefined ? {} : { lookaside }),
    ...(lookasideStaging === undefined ? {} : { lookasideStaging }),
    ...(useSigstoreAttachments === undefined ? {} : { useSigstoreAttachments }),
  };
}

function readUrl(table: ConfTable, key: string): string | undefined {
  const text = table.nonEmptyText(key);
  if (text === undefined) return undefined;
  const url = findUrl(text);
  // What is wrong is not repeated: it may hold a password.
  if (!url || !/^(?:file:\/\/\/|https?:\/\/)/.test(text)) table.fail(key, "must be a file:///, http or https URL");
  if (url!.username || url!.password || url!.search || url!.hash) {
    table.fail(key, "must be a URL without user, password, query and fragment");
  }
  return text;
}

/** What applies to an image. */
export interface FoundSignatureStorage {
  /** Base URL to read signatures from; `undefined` where nothing says: the built-in one. */
  readonly read: string | undefined;
  /** Base URL to write signatures to; `undefined` where nothing says: the built-in one. */
  readonly write: string | undefined;
  /** Whether signatures are kept in the registry, next to the image. */
  readonly useSigstoreAttachments: boolean;
}

/**
 * Where the signatures of an image are. Each value comes from the most specific section that has it, as in the real
 * tools; their manual says that one section alone counts.
 *
 * @param scopes The identity of the image for policies, then its namespaces, most specific first.
 *
 * @example
 * ```ts
 * import * as yaml from "yaml";
 * import { findSignatureStorage, parseRegistriesD } from "./room.ts";
 * import assert from "node:assert/strict";
 *
 * const text = "docker:\n  quay.io/me:\n    use-sigstore-attachments: true\n";
 * const conf = parseRegistriesD([["me.yaml", text]], yaml);
 * assert.ok(findSignatureStorage(conf, ["quay.io/me/app:1", "quay.io/me/app", "quay.io/me"]).useSigstoreAttachments);
 * ```
 */
export function findSignatureStorage(conf: RegistriesD, scopes: readonly string[]): FoundSignatureStorage {
  const sections = [...scopes.map((scope) => conf.docker.get(scope)), conf.defaultDocker].filter((one) => !!one);
  const withBase = sections.filter(({ lookaside, lookasideStaging }) => lookaside ?? lookasideStaging);
  return {
    read: sections.find(({ lookaside }) => lookaside)?.lookaside,
    write: withBase[0]?.lookasideStaging ?? withBase[0]?.lookaside,
    useSigstoreAttachments:
      sections.find(({ useSigstoreAttachments }) => useSigstoreAttachments !== undefined)?.useSigstoreAttachments ??
        false,
  };
}
