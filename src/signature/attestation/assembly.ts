import { VERSION } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest, type NamedReference } from "../../spec/room.ts";
import { refuse } from "../refusal.ts";

/** Predicate type of provenance (slsa.dev/spec/v1.0/provenance). */
export const PROVENANCE_TYPE = "https://slsa.dev/provenance/v1";
/** Type of a build that assembles an index; the page lists its parameters. It changes only if their meaning does. */
const ASSEMBLY_TYPE = "https://jsr.io/@multiarch/manifests@0.1.0/docs/provenance.md";
/** Builder id of an assembly outside of a known CI system. It names neither host nor user. */
const LOCAL_BUILDER = `${ASSEMBLY_TYPE}#local`;

/** The system that assembles an index. */
export interface AssemblyBuilder {
  /** URI of the builder: the workflow or the runner. Default: a constant that says only that it is unknown. */
  readonly id?: string | undefined;
  /** URI or id of this run. Default: a random UUID. */
  readonly invocationId?: string | undefined;
  /** Revision of the sources that the run works on: a git URI with a ref, and the commit. Default: none. */
  readonly source?: { readonly uri: string; readonly gitCommit: string } | undefined;
}

/** A source of an assembled index. */
export interface AssemblySource {
  /** Name of the source, as the caller wrote it. */
  readonly name: string;
  /** Name of its image in a registry; `undefined` for other places. */
  readonly reference?: NamedReference | undefined;
  /** Digest of the manifest or index that was read. */
  readonly digest: Digest;
  /** Media type of that manifest or index. */
  readonly mediaType: string;
  /** Platform of the source, if it is a single image. */
  readonly platform?: string | undefined;
  /** Digests of the entries of the assembled index that come from this source. */
  readonly entries: readonly Digest[];
}

/** An assembly of an index, of which provenance is made. */
export interface Assembly {
  /** Values that the caller chose, as docs/provenance.md lists them. They must not contain secrets. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Values that follow from the parameters and from this module. */
  readonly internalParameters: Readonly<Record<string, unknown>>;
  /** Sources of the index, in the order of the parameters. */
  readonly sources: readonly AssemblySource[];
  /** The system that assembled the index. */
  readonly builder: AssemblyBuilder;
  /** Time at which the assembly started. */
  readonly startedOn: Date;
  /** Time at which the index was complete. */
  readonly finishedOn: Date;
}

/** Creates the predicate of the provenance of an assembly. */
export function createAssemblyPredicate(assembly: Assembly): Record<string, unknown> {
  const { parameters, internalParameters, sources, builder } = assembly;
  const { id = LOCAL_BUILDER, invocationId = crypto.randomUUID(), source } = builder;
  const revision = source && { uri: source.uri, digest: { gitCommit: source.gitCommit } };
  return {
    buildDefinition: {
      buildType: ASSEMBLY_TYPE,
      externalParameters: parameters,
      internalParameters,
      resolvedDependencies: [...(revision ? [revision] : []), ...sources.map(createDependency)],
    },
    runDetails: {
      builder: { id, version: { "@multiarch/manifests": VERSION } },
      metadata: {
        invocationId,
        startedOn: formatTime(assembly.startedOn),
        finishedOn: formatTime(assembly.finishedOn),
      },
    },
  };
}

function createDependency({ name, reference, digest, mediaType, platform, entries }: AssemblySource) {
  return {
    name,
    ...(reference ? { uri: createPackageUrl(reference, digest, platform) } : {}),
    digest: { [digestAlgorithm(digest)]: digestHex(digest) },
    mediaType,
    annotations: { ...(platform ? { platform } : {}), entries },
  };
}

/** Creates the package URL of an image (package-url, type `oci`), with its qualifiers in the order of their names. */
function createPackageUrl({ name }: NamedReference, digest: Digest, platform: string | undefined): string {
  const architecture = platform?.split("/")[1];
  const qualifiers = [...(architecture ? [["arch", architecture]] : []), ["repository_url", name]];
  const query = qualifiers.map(([key, value]) => `${key}=${encodeURIComponent(value!)}`).join("&");
  return `pkg:oci/${name.slice(name.lastIndexOf("/") + 1)}@${encodeURIComponent(digest)}?${query}`;
}

/** Formats a time as RFC 3339 in UTC, in whole seconds. */
function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** The part of the provenance of an assembly that verifiers compare with the index. */
export interface AssemblyClaims {
  /** URI of the builder that made the index. */
  readonly builderId: string;
  /** Names of the sources, with their digests and the entries of the index that come from them. */
  readonly sources: readonly { readonly name: string; readonly digest: Digest; readonly entries: readonly Digest[] }[];
}

/**
 * Reads the predicate of the provenance of an assembly.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_PAYLOAD_INVALID` if it is the provenance of something else.
 */
export function readAssemblyPredicate(predicate: unknown): AssemblyClaims {
  const { buildDefinition, runDetails } = object(predicate);
  const { buildType, resolvedDependencies = [] } = object(buildDefinition);
  if (buildType !== ASSEMBLY_TYPE) fail(`its build type is ${JSON.stringify(buildType)?.slice(0, 200)}`);
  const { id } = object(object(runDetails).builder);
  if (typeof id !== "string") fail("it names no builder");
  if (!Array.isArray(resolvedDependencies)) fail("resolvedDependencies is not an array");
  const images = resolvedDependencies.map(object).filter(({ annotations }) => annotations !== undefined);
  return { builderId: id, sources: images.map(readDependency) };
}

function readDependency({ name, digest, annotations }: Record<string, unknown>): AssemblyClaims["sources"][number] {
  const { entries } = object(annotations);
  const [[algorithm, hex] = []] = Object.entries(object(digest));
  const source = `${algorithm}:${hex}`;
  if (typeof name !== "string" || !isDigest(source)) fail("a dependency has no name or no digest");
  if (!Array.isArray(entries) || !entries.every(isDigest)) {
    fail(`the entries of ${JSON.stringify(name)} are not digests`);
  }
  return { name, digest: source, entries };
}

function object(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : fail("JSON object expected");
}

function fail(problem: string): never {
  refuse("SIGNATURE_PAYLOAD_INVALID", `it is not the provenance of an assembly: ${problem}`);
}
