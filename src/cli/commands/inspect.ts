import { decodeUtf8 } from "../../internal/mod.ts";
import {
  base64OrNothing,
  type Descriptor,
  descriptorJson,
  encodeGoJsonText,
  type GoJsonValue,
  guessMediaType,
  indentJson,
  isIndexMediaType,
  nonEmpty,
  type ParsedManifest,
  platformJson,
  sortedMap,
} from "../../spec/mod.ts";
import { findLocalImage } from "../../store/mod.ts";
import {
  fetchManifest,
  type List,
  loadFromImage,
  resolveShortName,
  type SystemContext,
} from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, print, type RegistryFlags, systemContextOf } from "../context.ts";

/** `inspect IMAGE`: the local list of that name, else what the registry has. */
export async function inspect([name]: string[], flags: RegistryFlags, context: CommandContext): Promise<void> {
  await using store = await openStoreOf(context);
  const local = name!.startsWith("docker://") ? undefined : await findLocalImage(store, name!, ["manifest"]);
  const manifest = local?.data.get("manifest");
  if (local && manifest && isIndexMediaType(guessMediaType(manifest))) {
    const { list } = await loadFromImage(store, local.image.id);
    return print(indentJson(encodeGoJsonText(inspection(list)), "    "));
  }
  const systemContext = systemContextOf(flags, context);
  const { bytes } = await fetchFirst(name!, systemContext, context.signal).catch((cause) => {
    if (name!.startsWith("docker://") || context.signal.aborted) throw cause;
    throw new Error(`no local list ${JSON.stringify(name)}, and in a registry`, { cause });
  });
  print(indentJson(decodeUtf8(bytes), "    "));
}

/** The manifest of the first image that a name may mean and that is there. */
async function fetchFirst(name: string, systemContext: SystemContext, signal: AbortSignal): Promise<ParsedManifest> {
  const failures: Error[] = [];
  for (const reference of await resolveShortName(name, systemContext)) {
    try {
      return await fetchManifest(reference, { systemContext, signal });
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error as Error);
    }
  }
  throw failures.length === 1 ? failures[0] : new Error(`tried ${failures.map(({ message }) => message).join("; ")}`);
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
