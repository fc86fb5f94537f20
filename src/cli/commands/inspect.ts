import { decodeUtf8 } from "../../internal/mod.ts";
import {
  base64OrNothing,
  type Descriptor,
  descriptorJson,
  encodeGoJsonText,
  type GoJsonValue,
  guessMediaType,
  indentJson,
  isIndex,
  isIndexMediaType,
  nonEmpty,
  type ParsedManifest,
  platformJson,
  sortedMap,
} from "../../spec/mod.ts";
import { findLocalImage, type ImageStore, type LocalImage } from "../../store/mod.ts";
import {
  describeImage,
  type DescribeImageOptions,
  fetchManifest,
  hasTransport,
  type List,
  loadFromImage,
  resolveShortName,
} from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { note, print, requireFormat, type ResultFormat, styleOfStdout } from "../output.ts";

/** Flags of `inspect`. */
export interface InspectFlags extends RegistryFlags, ResultFormat {}

/** `inspect IMAGE`: the local list of that name, else what the registry has. */
export async function inspect([name]: string[], flags: InspectFlags, context: CommandContext): Promise<void> {
  requireFormat(flags, ["json", "table", "tree"]);
  const call = { systemContext: await systemContextOf(flags, context), signal: context.signal };
  await using store = await openStoreOf(context);
  const local = await findUnlessElsewhere(store, name!);
  const manifest = local?.data.get("manifest");
  if (local && manifest && isIndexMediaType(guessMediaType(manifest))) {
    const { list } = await loadFromImage(store, local.image.id);
    if (flags.format && flags.format !== "json") return await printDescription(flags, list.reference(store), call);
    return print(indentJson(encodeGoJsonText(inspection(list)), "    "));
  }
  const found = await fetchFirst(name!, call).catch((cause) => {
    if (context.signal.aborted || hasTransport(name!)) throw cause;
    throw new Error(`no local list ${JSON.stringify(name)}, and in a registry`, { cause });
  });
  if (!isIndex(found)) {
    if (!context.persona.inspectsSingleImages) {
      throw new Error(`${name}: manifest is of type ${found.mediaType} (not a list type)`);
    }
    note(`Warning: The manifest type ${found.mediaType} is not a manifest list but a single image.`);
  }
  if (flags.format && flags.format !== "json") return await printDescription(flags, name!, call);
  print(indentJson(decodeUtf8(found.bytes), "    "));
}

/** The manifest of the first image that a name may mean and that is there. */
async function fetchFirst(name: string, call: DescribeImageOptions): Promise<ParsedManifest> {
  const failures: Error[] = [];
  for (const reference of await resolveShortName(name, call.systemContext)) {
    try {
      return await fetchManifest(reference, call);
    } catch (error) {
      call.signal?.throwIfAborted();
      failures.push(error as Error);
    }
  }
  throw failures.length === 1 ? failures[0] : new Error(`tried ${failures.map(({ message }) => message).join("; ")}`);
}

async function printDescription(
  { format }: InspectFlags,
  image: Parameters<typeof describeImage>[0],
  call: DescribeImageOptions,
): Promise<void> {
  const { describeAsTable, describeAsTree } = await import("../format/description.ts");
  const description = await describeImage(image, call);
  const lines = format === "tree" ? describeAsTree(description) : describeAsTable(description, styleOfStdout());
  for (const line of lines) print(line);
}

/** The local image of that name, unless the name says that it is elsewhere. */
async function findUnlessElsewhere(store: ImageStore, name: string): Promise<LocalImage | undefined> {
  return hasTransport(name) ? undefined : await findLocalImage(store, name, ["manifest"]);
}

/** The list as podman and buildah show it: both of its forms in one. */
function inspection(list: List): GoJsonValue {
  const oci = list.ociV1();
  const docker = list.docker();
  const entries = oci.manifests?.map((entry, i) => entryJson(list, entry, docker.manifests?.[i]?.platform.features));
  return new Map<string, GoJsonValue | undefined>([
    ["schemaVersion", 2],
    ["mediaType", list.preferredMediaType],
    ["artifactType", nonEmpty(oci.artifactType)],
    ["manifests", entries?.length ? entries : null],
    ["subject", oci.subject && descriptorJson(oci.subject)],
    ["annotations", sortedMap(oci.annotations)],
  ]);
}

function entryJson(list: List, entry: Descriptor, features: readonly string[] | undefined): GoJsonValue {
  const platform = platformJson(entry.platform ?? { architecture: "", os: "" });
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", entry.mediaType],
    ["size", entry.size],
    ["digest", entry.digest],
    ["urls", nonEmpty(entry.urls)],
    ["platform", platform.set("features", nonEmpty(features))],
    ["annotations", sortedMap(entry.annotations)],
    ["artifactType", nonEmpty(entry.artifactType)],
    ["data", base64OrNothing(entry.data)],
    ["files", nonEmpty(list.files(entry.digest))],
  ]);
}
