import { compareUtf8 } from "../internal/room.ts";
import { type Digest, isDigest } from "../spec/room.ts";
import { checkTree } from "./document/check.ts";
import { FILLED, RELEASE_NAME } from "./document/formats.ts";
import type { Rule, TextRule } from "./document/rules.ts";
import { readYamlTree } from "./document/yaml_tree.ts";

/** The record of a release in a lock file. */
export interface LockedRelease {
  /** Digests of the sources, by name. */
  readonly sources: Readonly<Record<string, Digest>>;
  /** Digest of the index that was published last, or whose publication began last. `undefined`: none was. */
  readonly index?: Digest | undefined;
  /**
   * Digests of the indexes of which converted ones were made, by the digest of the converted one: `format`, or a registry,
   * can require another format. Absent: none was converted.
   */
  readonly converted?: Readonly<Record<string, Digest>> | undefined;
  /** Digests that tags were given last, by name. */
  readonly tags: Readonly<Record<string, Digest>>;
}

/** The content of a lock file: what the releases of a release file were made of, and published as. */
export interface ReleaseLock {
  /** Version of the format of lock files. */
  readonly version: 1;
  /** The records of the releases, by name. */
  readonly releases: Readonly<Record<string, LockedRelease>>;
}

/** The lock of a release file that was never locked. */
export const EMPTY_LOCK: ReleaseLock = { version: 1, releases: {} };

const DIGEST_RULE = {
  kind: "text",
  description: "A digest.",
  format: { name: "a digest, such as sha256:…", pattern: "^[a-z0-9]+:[a-f0-9]+$", check: isDigest },
} as const satisfies TextRule;

const DIGESTS_RULE = { kind: "map", description: "Digests by name.", keys: FILLED, values: DIGEST_RULE } as const;

const LOCK_RULE = {
  kind: "table",
  description: "A lock file.",
  required: ["version", "releases"],
  members: {
    version: { kind: "number", description: "Version of the format.", value: 1 },
    releases: {
      kind: "map",
      description: "The releases by name.",
      keys: RELEASE_NAME,
      values: {
        kind: "table",
        description: "A release.",
        required: ["sources", "tags"],
        members: { sources: DIGESTS_RULE, index: DIGEST_RULE, converted: DIGESTS_RULE, tags: DIGESTS_RULE },
      },
    },
  },
} as const satisfies Rule;

/**
 * Reads the text of a lock file.
 *
 * @param path Path of the file, for messages.
 * @throws {ConfigFileError} With code `CONFIG_FILE_INVALID`, if the text is not a lock file of this version.
 */
export async function parseReleaseLock(text: string, path = "manifests.yaml.lock.json"): Promise<ReleaseLock> {
  return checkTree(await readYamlTree(text, path), LOCK_RULE) as ReleaseLock;
}

/** Formats a lock file: keys are sorted, so that equal locks are equal files, and the last line ends. */
export function formatReleaseLock(lock: ReleaseLock): string {
  return `${JSON.stringify(sortKeys(lock), undefined, 2)}\n`;
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.toSorted(([a], [b]) => compareUtf8(a, b)).map(([name, member]) => [name, sortKeys(member)]),
  );
}

/** Returns the record of a release, which is empty for an unknown release. */
export function findLocked({ releases }: ReleaseLock, name: string): LockedRelease {
  return Object.hasOwn(releases, name) ? releases[name]! : { sources: {}, tags: {} };
}

/** Returns a lock with another record for a release. A record without content is removed. */
export function withLocked(lock: ReleaseLock, name: string, locked: LockedRelease): ReleaseLock {
  const { [name]: _, ...others } = lock.releases;
  const isEmpty = Object.keys(locked.sources).length === 0 && Object.keys(locked.tags).length === 0;
  return { ...lock, releases: isEmpty ? others : { ...others, [name]: locked } };
}
