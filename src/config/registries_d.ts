import { findUrl } from "../internal/room.ts";
import { type ConfTable, parseYaml, type YamlParser } from "./document/mod.ts";

/** Locations of signatures: a section of `registries.d`. */
export interface SignatureSection {
  /** Base URL to read signatures from, and to write them to if `lookasideStaging` is not set. */
  readonly lookaside?: string;
  /** Base URL to write signatures to. Default: `lookaside`. */
  readonly lookasideStaging?: string;
  /** Whether signatures are stored in the registry, next to the image. */
  readonly useSigstoreAttachments?: boolean;
}

/** Merged content of the files in `registries.d`. */
export interface RegistriesD {
  /** Section for images without a matching namespace. */
  readonly defaultDocker?: SignatureSection;
  /** Sections by namespace: a repository, one of its parents, a host, or `*.domain`. */
  readonly docker: ReadonlyMap<string, SignatureSection>;
}

const ATTACHMENTS = "use-sigstore-attachments";

/**
 * Parses and merges the files of a `registries.d` (containers-registries.d.5).
 *
 * @param files Path and text of each file.
 * @throws {ConfigFileError} If a file is invalid, or two files have sections for the same namespace.
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
      if (defaultDocker) root.fail("default-docker", `is also defined in ${defaultDocker.file}`);
      defaultDocker = root.table("default-docker");
    }
    const namespaces = root.table("docker");
    for (const namespace of namespaces.keys) {
      const existing = docker.get(namespace);
      if (existing) namespaces.fail(namespace, `is also defined in ${existing.file}`);
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
  // The URL is not quoted, because it may contain a password.
  if (!url || !/^(?:file:\/\/\/|https?:\/\/)/.test(text)) table.fail(key, "must be a file:///, http or https URL");
  if (url!.username || url!.password || url!.search || url!.hash) {
    table.fail(key, "must be a URL without user, password, query or fragment");
  }
  return text;
}

/** The locations of signatures that apply to an image. */
export interface FoundSignatureStorage {
  /** Base URL to read signatures from. `undefined`: use the built-in one. */
  readonly read: string | undefined;
  /** Base URL to write signatures to. `undefined`: use the built-in one. */
  readonly write: string | undefined;
  /** Whether signatures are stored in the registry, next to the image. */
  readonly useSigstoreAttachments: boolean;
}

/**
 * Finds the locations of an image's signatures. Each value comes from the most specific section that sets it, as in
 * podman and skopeo, although their manual says that only one section is used.
 *
 * @param scopes The policy scopes of the image: its identity, then its namespaces, most specific first.
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
