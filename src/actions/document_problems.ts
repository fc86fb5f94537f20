import { parseJson, StructReader } from "../json/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  type DockerListEntry,
  findAttested,
  getEntries,
  isDigest,
  isIndex,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedIndex,
  type ParsedManifest,
} from "../spec/room.ts";

/** A problem of a document. */
export interface DocumentProblem {
  /** The entry of an index; absent if it is the document itself. */
  readonly entry?: Descriptor | DockerListEntry | undefined;
  /** Description of the problem, as one clause. */
  readonly problem: string;
}

/** Lists the violations of the specifications in a manifest or index that can be read; only its bytes are needed. */
export function findDocumentProblems(manifest: ParsedManifest): DocumentProblem[] {
  if (manifest.kind === "docker-schema1") return [];
  const from = new StructReader(parseJson(manifest.bytes, "manifest").value, "manifest");
  return [
    ...versionProblems(from),
    ...isIndex(manifest) ? indexProblems(manifest, from) : imageProblems(manifest, from),
  ];
}

function versionProblems(from: StructReader): DocumentProblem[] {
  const version = from.value("schemaVersion");
  if (version === 2) return [];
  return [{
    problem: version === undefined
      ? "it has no schemaVersion, which must be 2"
      : `its schemaVersion is ${JSON.stringify(version)}, but must be 2`,
  }];
}

function indexProblems(index: ParsedIndex, from: StructReader): DocumentProblem[] {
  const entries = getEntries(index);
  const digests = new Set(entries.map(({ digest }) => digest));
  const texts = from.structs("manifests");
  return [
    ...texts ? [] : [{ problem: "it has no manifests: the specification requires an array, which may be empty" }],
    ...entries.flatMap((entry, i) =>
      [
        ...descriptorProblems("the entry", entry),
        ...index.kind === "docker-list" ? platformProblems(texts![i]!) : orphanProblems(entry, digests),
      ].map((problem) => ({ entry, problem }))
    ),
  ];
}

function platformProblems(entry: StructReader): string[] {
  const platform = entry.struct("platform");
  return platform?.string("os") && platform.string("architecture")
    ? []
    : ["the entry has no platform, which Docker requires"];
}

function orphanProblems(entry: Descriptor, digests: ReadonlySet<Digest>): string[] {
  const attested = findAttested(entry);
  if (attested === undefined || digests.has(attested as Digest)) return [];
  return [`it is an attestation of ${attested}, which is not in the list`];
}

function imageProblems(image: ParsedImage, from: StructReader): DocumentProblem[] {
  const { config, layers, artifactType, kind } = image;
  const problems = [
    ...config ? descriptorProblems("the configuration", config) : [
      "it has no configuration, which the specification requires",
    ],
    ...from.has("layers") ? [] : ["it has no layers: the specification requires an array"],
    ...layers.flatMap((layer, i) => descriptorProblems(`layer ${i + 1}`, layer)),
  ];
  if (kind === "oci-image" && config?.mediaType === MEDIA_TYPES.ociEmpty && !artifactType) {
    problems.push("its configuration is empty, so that it must have an artifactType");
  }
  return problems.map((problem) => ({ problem }));
}

function descriptorProblems(what: string, descriptor: Descriptor | DockerListEntry): string[] {
  const { mediaType, digest, size, data }: Partial<Descriptor> & typeof descriptor = descriptor;
  const problems = mediaType === "" ? [`${what} has no mediaType`] : [];
  if (data === undefined) return problems;
  const isContent = data.length === size && (!isDigest(digest) || digestOf(data, digestAlgorithm(digest)) === digest);
  return isContent ? problems : [...problems, `the data of ${what} is not its content`];
}
