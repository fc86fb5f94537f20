import { type Digest, parseDigest } from "./digest.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { assertTransportSupported, findTransportName } from "./transport_names.ts";

/** Maximum length of a reference, in characters. Longer text is rejected before a regular expression reads it. */
const MAX_LENGTH = 4096;
/** Maximum length of a repository path, in characters (distribution/reference). */
const MAX_PATH_LENGTH = 255;

const LABEL = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)";
const DOMAIN_REGEXP = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
// The dash repeat is one-or-more: with zero-or-more, as upstream writes it, V8 backtracks exponentially.
const COMPONENT_REGEXP = /^[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*$/;
const TAG_REGEXP = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const IDENTIFIER_REGEXP = /^[a-f0-9]{64}$/;

/** Parts of a normalised {@linkcode NamedReference}. */
export interface ReferenceParts {
  /** Registry host, with its port if it has one. */
  domain: string;
  /** Repository path within the registry. */
  path: string;
  /** Tag; `undefined` if there is none. */
  tag?: string | undefined;
  /** Digest; `undefined` if there is none. */
  digest?: Digest | undefined;
}

/**
 * Normalised image reference, `domain/path[:tag][@digest]` (distribution/reference). Immutable.
 *
 * @example
 * ```ts
 * import { parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const reference = parseReference("alpine");
 * assert.equal(String(reference), "docker.io/library/alpine");
 * assert.equal(String(reference.withDefaultTag()), "docker.io/library/alpine:latest");
 * assert.equal(reference.familiar(), "alpine");
 * ```
 */
export class NamedReference {
  /** Registry host, with its port if it has one. */
  readonly domain: string;
  /** Repository path within the registry. */
  readonly path: string;
  /** Tag; `undefined` if the reference has none. */
  readonly tag: string | undefined;
  /** Digest; `undefined` if the reference has none. */
  readonly digest: Digest | undefined;

  /** Creates a reference from valid parts, which are not checked. Use {@linkcode parseReference} for text. */
  constructor(parts: ReferenceParts) {
    this.domain = parts.domain;
    this.path = parts.path;
    this.tag = parts.tag;
    this.digest = parts.digest;
  }

  /** Repository name: `domain/path`. */
  get name(): string {
    return `${this.domain}/${this.path}`;
  }

  /** Returns the reference with this tag; a digest is kept. Throws `INVALID_REFERENCE` if the tag is invalid. */
  withTag(tag: string): NamedReference {
    if (!isTag(tag)) fail("invalid tag format", tag);
    return new NamedReference({ ...this, tag });
  }

  /** Returns the reference with this digest; a tag is kept. */
  withDigest(digest: Digest): NamedReference {
    return new NamedReference({ ...this, digest });
  }

  /** Returns the reference without tag and digest. */
  trimmed(): NamedReference {
    return new NamedReference({ domain: this.domain, path: this.path });
  }

  /** Returns the reference with the tag `latest` if it has neither tag nor digest. */
  withDefaultTag(): NamedReference {
    return this.tag === undefined && this.digest === undefined ? this.withTag("latest") : this;
  }

  /** Returns the short form: without `docker.io/`, and without `library/` if only one component follows it. */
  familiar(): string {
    let name = this.name;
    if (this.domain === "docker.io") {
      name = /^library\/[^/]+$/.test(this.path) ? this.path.slice("library/".length) : this.path;
    }
    return name + this.#suffix();
  }

  /** Returns the reference as text. */
  toString(): string {
    return this.name + this.#suffix();
  }

  #suffix(): string {
    return (this.tag === undefined ? "" : `:${this.tag}`) + (this.digest === undefined ? "" : `@${this.digest}`);
  }
}

function fail(problem: string, text: string): never {
  throw new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot parse image reference: ${problem}: current value is ${JSON.stringify(text.slice(0, 256))}`,
  );
}

/** A name in a registry with both a tag and a digest. */
const TAG_AND_DIGEST = /^(.+?):[^:/@]+(@[a-z0-9]+:[0-9a-f]+)$/;

/**
 * Returns the name of an image without its tag if it also has a digest, which alone counts for a reader. Build systems hand
 * over such names, `quay.io/me/app:1@sha256:…`. Names in places other than registries are returned as they are.
 */
export function dropTagOfDigest(name: string): string {
  const prefix = name.startsWith("docker://") ? "docker://" : "";
  if (name.length > MAX_LENGTH || prefix === "" && findTransportName(name) !== undefined) return name;
  return prefix + name.slice(prefix.length).replace(TAG_AND_DIGEST, "$1$2");
}

interface SplitReference {
  name: string;
  tag?: string | undefined;
  digest?: Digest | undefined;
}

/** Splits a reference into name, tag and digest. */
function split(text: string): SplitReference {
  if (text.length > MAX_LENGTH) fail(`invalid reference format: longer than ${MAX_LENGTH} characters`, text);
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = parseDigest(rest.slice(at + 1));
    rest = rest.slice(0, at);
  }
  const colon = rest.lastIndexOf(":");
  if (colon < 0 || colon < rest.lastIndexOf("/")) return { name: rest, digest };
  const tag = rest.slice(colon + 1);
  if (!isTag(tag)) fail("invalid reference format", text);
  return { name: rest.slice(0, colon), tag, digest };
}

function isDomain(component: string): boolean {
  return /[.:]/.test(component) || component === "localhost";
}

/**
 * Parses and normalises a reference: `alpine` becomes `docker.io/library/alpine`. No default tag is added.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, or `INVALID_DIGEST` for an invalid digest in it.
 *
 * @example
 * ```ts
 * import { parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.equal(String(parseReference("alpine:3")), "docker.io/library/alpine:3");
 * assert.throws(() => parseReference("Alpine"), { code: "INVALID_REFERENCE" });
 * ```
 */
export function parseReference(text: string): NamedReference {
  if (IDENTIFIER_REGEXP.test(text)) fail("invalid repository name, cannot specify 64-byte hexadecimal strings", text);
  const { name, tag, digest } = split(text);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasHost = slash > 0 && isDomain(first);
  let domain = hasHost ? first : "docker.io";
  let path = hasHost ? name.slice(slash + 1) : name;
  if (domain === "index.docker.io") domain = "docker.io";
  if (domain === "docker.io" && !path.includes("/")) path = `library/${path}`;
  assertName(domain, path, text);
  return new NamedReference({ domain, path, tag, digest });
}

function assertName(domain: string, path: string, text: string): void {
  if (text === "") fail("invalid reference format: repository name must have at least one component", text);
  if (!DOMAIN_REGEXP.test(domain)) fail("invalid reference format", text);
  if (!path.split("/").every((component) => COMPONENT_REGEXP.test(component))) {
    const lower = path.toLowerCase();
    fail(
      lower !== path && lower.split("/").every((component) => COMPONENT_REGEXP.test(component))
        ? "invalid reference format: repository name must be lowercase"
        : "invalid reference format",
      text,
    );
  }
  if (path.length > MAX_PATH_LENGTH) {
    fail(`repository name must not be more than ${MAX_PATH_LENGTH} characters`, text);
  }
}

/** Returns whether the text is a tag (distribution-spec, "Pulling manifests"). */
export function isTag(text: string): boolean {
  return TAG_REGEXP.test(text);
}

/** Returns whether the text is a registry host, with or without a port. */
export function isRegistryHost(text: string): boolean {
  return text.length <= MAX_LENGTH && DOMAIN_REGEXP.test(text);
}

/** Returns whether the text names its registry, as `quay.io/app` and `localhost/app` do, and is not a short name. */
export function hasDomain(text: string): boolean {
  const slash = text.indexOf("/");
  return slash > 0 && isDomain(text.slice(0, slash));
}

/**
 * Returns the name under which a local image is stored: `localhost/` is added to a short name, a tag is dropped if there
 * is a digest, and `latest` is the default tag (libimage `NormalizeName`).
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, or `INVALID_DIGEST` for an invalid digest in it.
 * @throws {ManifestsError} With code `TRANSPORT_NOT_SUPPORTED` for a name of `tarball:`, `sif:`, `ostree:` or `atomic:`.
 *
 * @example
 * ```ts
 * import { normalizeLocalName } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.equal(String(normalizeLocalName("app")), "localhost/app:latest");
 * assert.equal(String(normalizeLocalName("docker.io/app")), "docker.io/library/app:latest");
 * ```
 */
export function normalizeLocalName(text: string): NamedReference {
  if (IDENTIFIER_REGEXP.test(text) || /^sha(256|384|512):/.test(text)) {
    fail("invalid repository name, cannot be an image id or a digest", text);
  }
  assertTransportSupported(text);
  if (findTransportName(text) !== undefined) fail("invalid repository name, cannot begin with a transport", text);
  const named = text === "" || hasDomain(text) ? parseReference(text) : parseReference(`localhost/${text}`);
  // Other tools cannot use a store at all if it contains a name that they cannot parse.
  if (named.name.length > MAX_PATH_LENGTH) {
    fail(`repository name must not be more than ${MAX_PATH_LENGTH} characters`, text);
  }
  if (named.domain.startsWith("[")) fail("invalid reference format: IPv6 addresses cannot be stored", text);
  return named.digest === undefined ? named.withDefaultTag() : named.trimmed().withDigest(named.digest);
}
