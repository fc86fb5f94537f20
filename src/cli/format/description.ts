import type { DescribedImage, DescribedInstance } from "../../system/local/room.ts";
import { formatPlatform, isIndexMediaType } from "../../spec/room.ts";
import type { Style } from "./style.ts";
import { formatTable } from "./table.ts";
import { formatTree, type TreeNode } from "./tree.ts";
import { formatBytes } from "./units.ts";
import { sanitize } from "./width.ts";

/** Formats a list as a table with one line per instance. */
export function describeAsTable(image: DescribedImage, style: Style): string[] {
  const header = ["PLATFORM", "DIGEST", "SIZE", "LAYERS", "NOTES"].map((title) => style.bold(title));
  const rows = image.instances.map((instance) => [
    getPlatform(instance) ?? "-",
    shortDigest(instance.digest),
    ...formatSizeAndLayers(instance),
    formatNotes(instance, style),
  ]);
  return [...formatHead(image), ...formatTable(header, rows)];
}

/** Formats a list as a tree of instances with their annotations and layers. */
export function describeAsTree(image: DescribedImage): string[] {
  const [first, ...facts] = formatHead(image);
  return formatTree({
    text: first!,
    children: [...facts.map((text): TreeNode => ({ text })), ...image.instances.map(createInstanceNode)],
  });
}

function formatHead({ digest, mediaType, annotations, signatures, subject }: DescribedImage): string[] {
  return [
    `${digest} (${sanitize(mediaType)})`,
    ...Object.entries(annotations).map(([key, value]) => sanitize(`annotation ${key}=${value}`)),
    ...(subject ? [`subject ${subject}`] : []),
    ...formatSignatureCount(signatures),
  ];
}

function createInstanceNode(instance: DescribedInstance): TreeNode {
  const { digest, annotations, artifactType, layers, signatures, problem } = instance;
  const size = isIndexMediaType(instance.mediaType) ? "index" : formatSizeAndLayers(instance)[0];
  return {
    text: `${getPlatform(instance) ?? "no platform"} ${digest} ${size}`,
    children: [
      ...(problem === undefined ? [] : [{ text: `cannot be read: ${problem}` }]),
      ...(artifactType ? [{ text: `artifact ${artifactType}` }] : []),
      ...formatSignatureCount(signatures).map((text) => ({ text })),
      ...Object.entries(annotations).map(([key, value]) => ({ text: `annotation ${key}=${value}` })),
      ...layers.map(({ digest, size, mediaType, shared }) => ({
        text: `${digest} ${formatBytes(size)} ${mediaType}${shared ? " (shared)" : ""}`,
      })),
    ],
  };
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

function formatNotes(instance: DescribedInstance, style: Style): string {
  const { artifactType, annotations, signatures, problem, mediaType } = instance;
  const notes = [
    ...(isIndexMediaType(mediaType) ? ["index"] : []),
    ...(artifactType ? [`artifact ${artifactType}`] : []),
    ...formatSignatureCount(signatures),
    ...Object.entries(annotations).map(([key, value]) => `${key}=${value}`),
  ].map(sanitize);
  return [...(problem === undefined ? [] : [style.bad(sanitize(`cannot be read: ${problem}`))]), ...notes].join(", ");
}

/** Shortens a digest to twelve hexadecimal digits, enough to tell the instances of a list apart. */
export function shortDigest(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${algorithm}:${hex.slice(0, 12)}`;
}
