import { type Digest, parseDigest } from "./digest.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { findTransportName } from "./transport_names.ts";

/** No reference is longer; what is longer is refused before any pattern sees it. */
const MAX_LENGTH = 4096;
/** Longest repository path that registries take. */
const MAX_PATH_LENGTH = 255;

const LABEL = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)";
const DOMAIN_REGEXP = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
// The dash repeat is one-or-more: with zero-or-more, as upstream writes it, V8 backtracks exponentially.
const COMPONENT_REGEXP = /^[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*$/;
const TAG_REGEXP = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const IDENTIFIER_REGEXP = /^[a-f0-9]{64}$/;

/** Parts of a {@linkcode NamedReference}. */
export interface ReferenceParts {
  /** Registry host, with its port where it has one. */
  domain: string;
  /** Repository path. */
  path: string;
  /** Tag. */
  tag?: string | undefined;
  /** Digest. */
  digest?: Digest | undefined;
}

/**
 * A normalised image reference, `domain/path[:tag][@digest]` (distribution/reference). Immutable.
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
  /** Registry host, with its port where it has one. */
  readonly domain: string;
  /** Repository path. */
  readonly path: string;
  /** Tag, or `undefined`. */
  readonly tag: string | undefined;
  /** Digest, or `undefined`. */
  readonly digest: Digest | undefined;

  /** Creates a reference of parts that have been checked; use {@linkcode parseReference} for text. */
  constructor(parts: ReferenceParts) {
    this.domain = parts.domain;
    this.path = parts.path;
    this.tag = parts.tag;
    this.digest = parts.digest;
  }

  /** `domain/path`. */
  get name(): string {
    return `${this.domain}/${this.path}`;
  }

  /** With this tag; a digest stays. Throws `INVALID_REFERENCE` where it is no tag. */
  withTag(tag: string): NamedReference {
    if (!isTag(tag)) fail("invalid tag format", tag);
    return new NamedReference({ ...this, tag });
  }

  /** With this digest; a tag stays. */
  withDigest(digest: Digest): NamedReference {
    return new NamedReference({ ...this, digest });
  }

  /** Without tag and digest. */
  trimmed(): NamedReference {
    return new NamedReference({ domain: this.domain, path: this.path });
  }

  /** With the tag `latest` where there is neither tag nor digest. */
  withDefaultTag(): NamedReference {
    return this.tag === undefined && this.digest === undefined ? this.withTag("latest") : this;
  }

  /** As people write it: without `docker.io/` and, where only one component follows, `library/`. */
  familiar(): string {
    let name = this.name;
    if (this.domain === "docker.io") {
      name = /^library\/[^/]+$/.test(this.path) ? this.path.slice("library/".length) : this.path;
    }
    return name + this.#suffix();
  }

  /** The whole reference. */
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

interface SplitReference {
  name: string;
  tag?: string | undefined;
  digest?: Digest | undefined;
}

/** Cuts tag and digest off. */
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
 * Parses a reference the way people write it and normalises it: `alpine` is `docker.io/library/alpine`. No default
 * tag is added.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, or `INVALID_DIGEST`.
 */
export function parseReference(text: string): NamedReference {
  if (IDENTIFIER_REGEXP.test(text)) fail("invalid repository name, cannot specify 64-byte hexadecimal strings", text);
  const { name, tag, digest } = split(text);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const explicit = slash > 0 && isDomain(first);
  let domain = explicit ? first : "docker.io";
  let path = explicit ? name.slice(slash + 1) : name;
  if (domain === "index.docker.io") domain = "docker.io";
  if (domain === "docker.io" && !path.includes("/")) path = `library/${path}`;
  checkName(domain, path, text);
  return new NamedReference({ domain, path, tag, digest });
}

function checkName(domain: string, path: string, text: string): void {
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

/** Whether the text is a registry host, with or without a port, as references have them. */
export function isRegistryHost(text: string): boolean {
  return text.length <= MAX_LENGTH && DOMAIN_REGEXP.test(text);
}

/** Whether the text names its registry, as in `quay.io/app` or `localhost/app`, rather than being a short name. */
export function hasDomain(text: string): boolean {
  const slash = text.indexOf("/");
  return slash > 0 && isDomain(text.slice(0, slash));
}

/**
 * The name under which a local image is stored: a short name belongs to `localhost/`, a tag beside a digest is
 * dropped, `latest` is the default tag (libimage `NormalizeName`).
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, or `INVALID_DIGEST`.
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
  if (findTransportName(text) !== undefined) fail("invalid repository name, cannot begin with a transport", text);
  const named = text === "" || hasDomain(text) ? parseReference(text) : parseReference(`localhost/${text}`);
  // Other tools refuse a whole store that holds a name which they cannot parse.
  if (named.name.length > MAX_PATH_LENGTH) {
    fail(`repository name must not be more than ${MAX_PATH_LENGTH} characters`, text);
  }
  if (named.domain.startsWith("[")) fail("invalid reference format: IPv6 addresses cannot be stored", text);
  return named.digest === undefined ? named.withDefaultTag() : named.trimmed().withDigest(named.digest);
}
