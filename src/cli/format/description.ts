import type { DescribedImage, DescribedInstance } from "../../system/local/room.ts";
import { formatPlatform, isAttestation, isIndexMediaType } from "../../spec/room.ts";
import { shortenPredicate } from "./predicate_names.ts";
import type { Style } from "./style.ts";
import { formatTable } from "./table.ts";
import { formatTree, type TreeNode } from "./tree.ts";
import { count, formatBytes } from "./units.ts";
import { fit, measureWidth, sanitize } from "./width.ts";

/** A described image with its name. */
export interface Description {
  /** The image or list, as it was read. */
  readonly image: DescribedImage;
  /** Name of the image for the first line. */
  readonly name: string;
}

/** Options for {@linkcode describeAsTable}. */
export interface TableOptions {
  /** Colors of the table, if any. */
  readonly style: Style;
  /** Width of the terminal in columns, to which lines with notes are cut. Default: lines are not cut. */
  readonly columns?: number | undefined;
  /** Show digests in full. Default: their first twelve digits. */
  readonly fullDigests?: boolean | undefined;
}

/**
 * Formats a list as a table with one line per image, followed by a table of attestations, and by the reasons for
 * manifests that cannot be read.
 */
export function describeAsTable({ image, name }: Description, options: TableOptions): string[] {
  const { style, columns, fullDigests } = options;
  const digestOf = ({ digest }: DescribedInstance) => fullDigests ? digest : shortDigest(digest);
  const bold = (titles: string[]) => titles.map((title) => style.bold(title));
  const images = image.instances.filter((instance) => !isAttestation(instance));
  const attestations = image.instances.filter(isAttestation);
  const rows = images.map((instance) => [
    getPlatform(instance) ?? "-",
    digestOf(instance),
    ...formatSizeAndLayers(instance),
    formatNotes(instance),
  ]);
  const attested = attestations.map((instance) => [
    digestOf(instance),
    formatSizeAndLayers(instance)[0],
    formatAttestation(instance, image.instances),
  ]);
  const cut = (lines: string[]) => columns === undefined ? lines : lines.map((line) => cutLine(line, columns));
  return [
    ...formatHead({ image, name }),
    ...(rows.length > 0 ? cut(formatTable(bold(["PLATFORM", "DIGEST", "SIZE", "LAYERS", "NOTES"]), rows)) : []),
    ...(attested.length > 0 ? cut(formatTable(bold(["DIGEST", "SIZE", "ATTESTATION"]), attested)) : []),
    ...image.instances.flatMap((instance) =>
      instance.problem === undefined ? [] : [style.bad(sanitize(
        `${getPlatform(instance) ?? "-"} ${digestOf(instance)} cannot be read: ${instance.problem}`,
      ))]
    ),
  ];
}

/** Cuts a line to a width. A line with colors is left as it is: only headers and short cells have some. */
function cutLine(line: string, columns: number): string {
  return measureWidth(line) > columns && !line.includes("\x1b") ? fit(line, columns) : line;
}

/** Formats a list as a tree of instances with their annotations and layers, also those of nested indexes. */
export function describeAsTree({ image, name }: Description): string[] {
  const [first, ...facts] = formatHead({ image, name });
  return formatTree({
    text: first!,
    children: [
      ...facts.map((text): TreeNode => ({ text })),
      ...image.instances.map((instance) => createInstanceNode(instance, image.instances)),
    ],
  });
}

function formatHead({ image, name }: Description): string[] {
  const { digest, mediaType, annotations, signatures, attestations, subject } = image;
  return [
    sanitize(name),
    `${digest} (${sanitize(mediaType)})`,
    ...Object.entries(annotations).map(([key, value]) => sanitize(`annotation ${key}=${value}`)),
    ...(subject ? [`subject ${subject}`] : []),
    ...formatSignatureCount(signatures),
    ...attestations.map(({ predicateType, form }) =>
      sanitize(`attestation of the list: ${shortenPredicate(predicateType ?? "unknown type")} (${form}, not verified)`)
    ),
  ];
}

function createInstanceNode(instance: DescribedInstance, siblings: readonly DescribedInstance[]): TreeNode {
  const { digest, annotations, artifactType, instances = [], layers, signatures, problem } = instance;
  const size = isIndexMediaType(instance.mediaType) ? "index" : formatSizeAndLayers(instance)[0];
  const title = isAttestation(instance)
    ? formatAttestation(instance, siblings)
    : getPlatform(instance) ?? "no platform";
  return {
    text: `${title} ${digest} ${size}`,
    children: [
      ...(problem === undefined ? [] : [{ text: `cannot be read: ${problem}` }]),
      ...(artifactType ? [{ text: `artifact ${artifactType}` }] : []),
      ...formatSignatureCount(signatures).map((text) => ({ text })),
      ...Object.entries(annotations).map(([key, value]) => ({ text: `annotation ${key}=${value}` })),
      ...layers.map(({ digest, size, mediaType, shared }) => ({
        text: `${digest} ${formatBytes(size)} ${mediaType}${shared ? " (shared)" : ""}`,
      })),
      ...instances.map((nested) => createInstanceNode(nested, instances)),
    ],
  };
}

/** Formats an attestation: `attestation of linux/amd64: spdx, provenance`. */
function formatAttestation(
  { attests: of, predicateTypes = [] }: DescribedInstance,
  siblings: readonly DescribedInstance[],
): string {
  const image = siblings.find(({ digest }) => digest === of);
  const attested = image
    ? getPlatform(image) ?? shortDigest(image.digest)
    : of && `${shortDigest(of)} (not in the list)`;
  const names = [...new Set(predicateTypes.map(shortenPredicate))].join(", ");
  return sanitize(`attestation${attested ? ` of ${attested}` : ""}${names ? `: ${names}` : ""}`);
}

function getPlatform({ platform }: DescribedInstance): string | undefined {
  return platform && formatPlatform(platform);
}

/** Formats size and number of layers. A nested index has neither. */
function formatSizeAndLayers(instance: DescribedInstance): [size: string, layers: string] {
  if (instance.problem !== undefined) return ["?", "?"];
  return isIndexMediaType(instance.mediaType) ? ["-", "-"] : [formatBytes(instance.size), formatLayers(instance)];
}

function formatLayers({ layers }: DescribedInstance): string {
  const shared = layers.filter((layer) => layer.shared).length;
  return shared > 0 ? `${layers.length} (${shared} shared)` : String(layers.length);
}

/** Formats the number of signatures, which are not verified. */
function formatSignatureCount(signatures: number): string[] {
  return signatures === 0 ? [] : [`${signatures} ${signatures === 1 ? "signature" : "signatures"}`];
}

function formatNotes(instance: DescribedInstance): string {
  const { artifactType, annotations, signatures, problem, mediaType } = instance;
  return [
    ...(problem === undefined ? [] : ["cannot be read"]),
    ...(isIndexMediaType(mediaType) ? [formatNested(instance)] : []),
    ...(artifactType ? [`artifact ${artifactType}`] : []),
    ...formatSignatureCount(signatures),
    ...Object.entries(annotations).map(([key, value]) => `${key}=${value}`),
  ].map(sanitize).join(", ");
}

/** Formats a nested index by its platforms: `index of 2 images: linux/amd64, linux/arm64`. */
function formatNested({ instances }: DescribedInstance): string {
  if (!instances) return "index";
  const images = instances.filter((instance) => !isAttestation(instance));
  const platforms = [...new Set(images.map((image) => getPlatform(image)))].filter((name) => name !== undefined);
  return `index of ${count(images.length, "image")}${platforms.length > 0 ? `: ${platforms.join(", ")}` : ""}`;
}

/** Shortens a digest to twelve hexadecimal digits, enough to tell the instances of a list apart. */
export function shortDigest(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${algorithm}:${hex.slice(0, 12)}`;
}
