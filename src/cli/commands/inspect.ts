import { decodeUtf8 } from "../../internal/room.ts";
import {
  base64OrNothing,
  encodeGoJsonText,
  type GoJsonValue,
  indentJson,
  nonEmpty,
  sortedMap,
} from "../../json/room.ts";
import {
  type Descriptor,
  descriptorJson,
  isIndex,
  type ParsedManifest,
  parsePlatform,
  platformJson,
} from "../../spec/room.ts";
import { damagedList, findDamage, isListRecord } from "../../store/room.ts";
import { type List, OfflineList } from "../../list/room.ts";
import type { DescribeImageOptions, SystemContext } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { UsageError } from "../errors.ts";
import {
  assertFormat,
  getStdoutColumns,
  getStdoutStyle,
  note,
  print,
  type ResultFormat,
  writeBytes,
} from "../output.ts";
import { assertWebFlags, type WebFlags } from "../web/flags.ts";
import { findUnlessElsewhere } from "./find.ts";
import type { FoundDocument } from "./inspect_json.ts";

/** Flags of `inspect`. */
export interface InspectFlags extends RegistryFlags, ResultFormat, WebFlags {
  attestations?: boolean;
  config?: boolean;
  noTrunc?: boolean;
  platform?: string;
  raw?: boolean;
}

/** Runs `inspect IMAGE`, which shows the local list of this name, or else the manifest in the registry. */
export async function inspect([name]: string[], flags: InspectFlags, context: CommandContext): Promise<void> {
  assertFormat(flags, ["json", "table", "tree"]);
  const call = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  await using store = new LocalStore(context);
  if (assertWebFlags(flags, ["format", "raw", "config", "platform"])) {
    const { serveImages } = await import("../web/serve_images.ts");
    return await serveImages([name!], flags, { store, ...call });
  }
  if (flags.raw || flags.config || flags.platform !== undefined) return await printChosen(name!, flags, store, call);
  const found = await findUnlessElsewhere(store, name!);
  const local = found === "elsewhere" ? undefined : found;
  const damage = local && findDamage(local);
  if (damage) throw damagedList(local.resolvedName, damage);
  const shows = describes(flags, context);
  if (local && isListRecord(local)) {
    const { list } = await OfflineList.load(await store.open(), local.image.id);
    const text = encodeGoJsonText(formatInspection(list));
    if (!shows) return print(indentJson(text, "    "));
    return await printDescription(
      flags,
      { name: local.resolvedName, text, images: [await (await loadPlaces()).findAny(store, name!)] },
      call,
    );
  }
  const isStored = name!.startsWith("containers-storage:");
  const remote = await fetchFirst(name!, isStored ? store : undefined, call).catch((cause) => {
    if (context.signal.aborted || found === "elsewhere" || isStored) throw cause;
    throw new Error(`no local list ${JSON.stringify(name)}, and in a registry`, { cause });
  });
  if (!isIndex(remote)) {
    if (!context.persona.inspectsSingleImages) {
      throw new Error(`${name}: manifest is of type ${remote.mediaType} (not a list type)`);
    }
    note(`Warning: The manifest type ${remote.mediaType} is not a manifest list but a single image.`);
  }
  const text = decodeUtf8(remote.bytes);
  if (!shows) return print(indentJson(text, "    "));
  await printDescription(flags, {
    text,
    images: await (await loadPlaces()).findCandidates(store, name!, call.systemContext),
  }, call);
}

/**
 * Returns whether a description is printed, rather than the document as podman and buildah print it. Those have no
 * format of this name.
 */
function describes({ format }: InspectFlags, { persona }: CommandContext): boolean {
  return format !== undefined && (format !== "json" || persona.name === "manifests");
}

/** Loads the code that finds images elsewhere, which most local lists do not need. */
async function loadPlaces(): Promise<typeof import("./places.ts")> {
  return await import("./places.ts");
}

/** Prints the exact bytes of a manifest or configuration; with only `--platform`, the manifest of the image for it. */
async function printChosen(
  name: string,
  { raw, config, platform, format, ...flags }: InspectFlags,
  store: LocalStore,
  call: DescribeImageOptions & { systemContext: SystemContext },
): Promise<void> {
  if (raw && config) throw new UsageError("--raw cannot be used with --config");
  if (format !== undefined && (raw || config)) throw new UsageError("--format cannot be used with --raw or --config");
  const { LOCAL_RUNTIME, hostPlatform, readConfigBytes, withChosenManifest } = await import("../on_demand/choose.ts");
  const images = await (await loadPlaces()).findCandidates(store, name, call.systemContext);
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  if (config) {
    // As in skopeo, the image for this machine is the default; a single image may be for any platform.
    const isList = await withChosenManifest(LOCAL_RUNTIME, images, call, ({ manifest }) => isIndex(manifest));
    const chosen = wanted ?? (isList ? hostPlatform() : undefined);
    return await withChosenManifest(LOCAL_RUNTIME, images, { ...call, platform: chosen }, async (found, source) => {
      writeBytes(await readConfigBytes(source, found, call.signal));
    });
  }
  const chosen = await withChosenManifest(LOCAL_RUNTIME, images, { ...call, platform: wanted }, (found, source) => ({
    bytes: found.manifest.bytes,
    image: source.reference.withDigest?.(found.digest),
  }));
  if (raw) return writeBytes(chosen.bytes);
  const text = decodeUtf8(chosen.bytes);
  if (format === undefined || !chosen.image) return print(indentJson(text, "    "));
  await printDescription({ format, ...flags }, { text, images: [chosen.image] }, call);
}

/**
 * Fetches the manifest of the first of the images that a short name can mean and that exists.
 *
 * @param store Store that the name `containers-storage:…` refers to. `undefined`: the image is not local.
 */
async function fetchFirst(
  name: string,
  store: LocalStore | undefined,
  call: DescribeImageOptions,
): Promise<ParsedManifest> {
  const { LOCAL_RUNTIME, fetchFirstManifestWith, resolveShortName } = await import("../on_demand/fetch.ts");
  const images = store
    ? [await (await loadPlaces()).findAny(store, name)]
    : await resolveShortName(name, call.systemContext);
  return await fetchFirstManifestWith(LOCAL_RUNTIME, images, call);
}

/** Prints the description of an image in the format of `--format`. */
async function printDescription(flags: InspectFlags, found: FoundDocument, call: DescribeImageOptions): Promise<void> {
  if (flags.format === "json") {
    const { describeAsJson } = await import("./inspect_json.ts");
    return print(JSON.stringify(await describeAsJson(found, flags, call), undefined, 4));
  }
  const { describeImage, readFirst } = await import("../on_demand/describe.ts");
  const { describeAsTable, describeAsTree } = await import("../format/description.ts");
  const description = await readFirst(found.images, async (image) => ({
    image: await describeImage(image, call),
    name: found.name ?? String(image),
  }), call.signal);
  const options = { style: getStdoutStyle(), columns: getStdoutColumns(), fullDigests: flags.noTrunc };
  for (const line of flags.format === "tree" ? describeAsTree(description) : describeAsTable(description, options)) {
    print(line);
  }
}

/** Formats a list as podman and buildah do, which combine the members of its OCI and Docker formats. */
function formatInspection(list: List): GoJsonValue {
  const oci = list.ociV1();
  const docker = list.docker();
  const entries = oci.manifests?.map((entry, i) => formatEntry(list, entry, docker.manifests?.[i]?.platform.features));
  return new Map<string, GoJsonValue | undefined>([
    ["schemaVersion", 2],
    ["mediaType", list.preferredMediaType],
    ["artifactType", nonEmpty(oci.artifactType)],
    ["manifests", entries?.length ? entries : null],
    ["subject", oci.subject && descriptorJson(oci.subject)],
    ["annotations", sortedMap(oci.annotations)],
  ]);
}

function formatEntry(list: List, entry: Descriptor, features: readonly string[] | undefined): GoJsonValue {
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
