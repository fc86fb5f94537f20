import { type ImageReference, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, encodeUtf8, readChunks, Semaphore } from "../internal/room.ts";
import { encodeGoJsonText, type GoJsonValue, sortedMap } from "../json/room.ts";
import {
  createDigester,
  type Descriptor,
  descriptorJson,
  type Digest,
  digestOf,
  EMPTY_DESCRIPTOR,
  isIndex,
  MEDIA_TYPES,
  type Platform,
} from "../spec/room.ts";
import {
  assertKnownOptions,
  parseAnnotations,
  parseOptionalMembers,
  parsePlatformValue,
  parseText,
} from "./check_values.ts";
import type { ArtifactFile, HostFiles } from "./host.ts";
import { SNIFF_LENGTH } from "./content_type.ts";
import { detectMediaType, MediaTypes } from "./media_type.ts";

/** The configuration of an artifact: a descriptor whose digest and size are computed. Go: `ConfigDescriptor`. */
export interface ArtifactConfig extends Omit<Descriptor, "digest" | "size"> {
  /** Its content, which the descriptor embeds; default: none, for `configFile`. */
  readonly data?: Uint8Array<ArrayBuffer>;
}

/** Options for {@linkcode List.addArtifact}. Go: `AddArtifactOptions`. An unknown option is a `TypeError`. */
export interface AddArtifactOptions {
  /** Type of the artifact; `""` leaves it out. Default: `application/vnd.unknown.artifact.v1`. */
  artifactType?: string | undefined;
  /** Platform of the entry in the list; default: none. */
  platform?: Partial<Platform> | undefined;
  /** The configuration. Default: the empty JSON object with OCI's type for it. */
  config?: ArtifactConfig | undefined;
  /** A file that holds the configuration, instead of the `data` of `config`. Default: the `data` of `config`. */
  configFile?: string | undefined;
  /** Media type of `configFile`. Default: that of `config`, else OCI's image configuration, as in Go. */
  configType?: string | undefined;
  /**
   * Media type of every layer. Default: by extension as Go finds it (types built in, then the host's `globs2` or
   * `mime.types`), else by content.
   */
  layerType?: string | undefined;
  /** Annotations of the artifact's manifest. Default: none. */
  annotations?: Readonly<Record<string, string>> | undefined;
  /** The subject of the artifact: the image or list that it refers to. Default: none. */
  subject?: string | ImageReference | undefined;
  /**
   * Leave out the `org.opencontainers.image.title` annotations with the files' names.
   *
   * @default {false}
   */
  excludeTitles?: boolean | undefined;
  /** Access to the subject: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call; nothing is added then. Default: no signal. */
  signal?: AbortSignal | undefined;
}

const KNOWN_OPTIONS = {
  artifactType: true,
  platform: true,
  config: true,
  configFile: true,
  configType: true,
  layerType: true,
  annotations: true,
  subject: true,
  excludeTitles: true,
  systemContext: true,
  signal: true,
} satisfies Record<keyof AddArtifactOptions, true>;

/**
 * Asserts that all options are known and of the right type, so that the artifact's manifest can be read again.
 *
 * @throws {TypeError} If an option is not; the message names it.
 */
export function assertArtifactOptions(options: AddArtifactOptions): void {
  assertKnownOptions(options, KNOWN_OPTIONS, "add an artifact");
  for (const name of ["artifactType", "configFile", "configType", "layerType"] as const) {
    if (options[name] !== undefined) parseText(options[name], name);
  }
  if (options.annotations !== undefined) parseAnnotations(options.annotations, "annotations");
  if (options.platform !== undefined) parsePlatformValue(options.platform, "platform");
  if (options.config !== undefined) parseText(options.config.mediaType, "config.mediaType");
}

/** An artifact that is ready to be recorded. */
export interface BuiltArtifact {
  /** Exact text of the manifest, from which its digest is computed. */
  readonly manifest: string;
  /** Digest of the manifest's bytes. */
  readonly digest: Digest;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** Artifact type; `""` if it has none. */
  readonly artifactType: string;
  /** Digest of the configuration's bytes. */
  readonly config: Digest;
  /** The layers that are files. */
  readonly files: readonly { readonly path: string; readonly digest: Digest }[];
  /** Content of blobs that are kept inline, by digest. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
  /** Path of the configuration, if it is a file. */
  readonly configPath?: string | undefined;
}

/** Number of files that are read at the same time. */
const MAX_OPEN_FILES = 8;

/** Builds the manifest of an artifact from files. Nothing is copied: the files must still exist at push. */
export async function buildArtifact(
  paths: readonly string[],
  files: HostFiles,
  subject: ImageReference | undefined,
  options: AddArtifactOptions,
): Promise<BuiltArtifact> {
  const { signal, artifactType = MEDIA_TYPES.unknownArtifact } = options;
  const slots = new Semaphore(MAX_OPEN_FILES);
  const types = new MediaTypes(await files.readMediaTypes?.(options.systemContext ?? {}));
  const described = await allOrAbort(
    paths.map((path) => (signal) =>
      slots.run(async () => await describeFile(await files.find(path), types, options, signal), signal)
    ),
    signal,
  );
  const config = await describeConfig(files, options);
  const layers = described.length > 0 ? described.map(({ layer }) => layer) : [EMPTY_DESCRIPTOR];
  const manifest = encodeGoJsonText(
    new Map<string, GoJsonValue | undefined>([
      ["schemaVersion", 2],
      ["mediaType", MEDIA_TYPES.ociManifest],
      ["artifactType", artifactType || undefined],
      ["config", descriptorJson(config.descriptor)],
      ["layers", layers.map(descriptorJson)],
      ["subject", subject && descriptorJson(await describeSubject(subject, options))],
      ["annotations", sortedMap(options.annotations)],
    ]),
  );
  const bytes = encodeUtf8(manifest);
  const inline = described.length > 0 ? [] : [EMPTY_DESCRIPTOR];
  if (config.path === undefined) inline.push(config.descriptor);
  return {
    manifest,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType,
    config: config.descriptor.digest,
    files: described.map(({ path, layer }) => ({ path, digest: layer.digest })),
    blobs: new Map(inline.map(({ digest, data = new Uint8Array() }) => [digest, data])),
    configPath: config.path,
  };
}

async function describeFile(
  file: ArtifactFile,
  types: MediaTypes,
  options: AddArtifactOptions,
  signal?: AbortSignal,
): Promise<{ path: string; layer: Descriptor }> {
  const { digest, size, head } = await digestFile(file, signal);
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  return {
    path: file.path,
    layer: {
      mediaType: options.layerType ?? detectMediaType(name, head, types),
      digest,
      size,
      ...(options.excludeTitles ? {} : { annotations: { "org.opencontainers.image.title": name } }),
    },
  };
}

async function digestFile(
  file: ArtifactFile,
  signal?: AbortSignal,
): Promise<{ digest: Digest; size: number; head: Uint8Array }> {
  const digester = createDigester();
  const head = new Uint8Array(SNIFF_LENGTH);
  let size = 0;
  for await (const chunk of readChunks(await file.open())) {
    signal?.throwIfAborted();
    if (size < SNIFF_LENGTH) head.set(chunk.subarray(0, SNIFF_LENGTH - size), size);
    digester.update(chunk);
    size += chunk.length;
  }
  return { digest: digester.digest(), size, head: head.subarray(0, Math.min(size, SNIFF_LENGTH)) };
}

async function describeConfig(
  files: HostFiles,
  options: AddArtifactOptions,
): Promise<{ descriptor: Descriptor; path?: string }> {
  const { config, configFile, configType, signal } = options;
  const { data, ...members } = config ? parseOptionalMembers({ ...config }, "config") : {};
  if (configFile !== undefined) {
    const file = await files.find(configFile);
    const { digest, size } = await digestFile(file, signal);
    const mediaType = configType ?? config?.mediaType ?? MEDIA_TYPES.ociConfig;
    return { descriptor: { mediaType, digest, size, ...members }, path: file.path };
  }
  if (!config) return { descriptor: EMPTY_DESCRIPTOR };
  if (!data) throw new TypeError("Cannot add an artifact: config has no data, and there is no configFile");
  const { mediaType } = config;
  const embedded = data.length > 0 ? { data } : {};
  return { descriptor: { mediaType, digest: digestOf(data), size: data.length, ...members, ...embedded } };
}

/** Reads an image and returns its descriptor, for use as a subject. */
export async function describeSubject(
  reference: ImageReference,
  options: { systemContext?: SystemContext | undefined; signal?: AbortSignal | undefined },
): Promise<Descriptor> {
  await using source = await reference.openSource(options.systemContext);
  const { digest, manifest } = await readManifest(source, { signal: options.signal });
  const artifactType = isIndex(manifest) ? undefined : manifest.artifactType;
  return {
    mediaType: manifest.mediaType,
    digest,
    size: manifest.bytes.length,
    ...(artifactType ? { artifactType } : {}),
  };
}
