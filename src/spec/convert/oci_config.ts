import {
  encodeGoJson,
  type GoJsonValue,
  isObject,
  nonEmpty,
  parseJson,
  readTime,
  sortedMap,
  StructReader,
} from "../../json/room.ts";
import { platformJson, readPlatform } from "../platform.ts";

type Members = Map<string, GoJsonValue | undefined>;

/**
 * Converts a configuration from Docker to OCI. Only members of the image specification are kept, in Go's order: lost are
 * `container`, `container_config`, `docker_version`, `Healthcheck`, `OnBuild`, `Shell` and other members of Docker.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` if the configuration is invalid.
 */
export function convertToOciConfig(config: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeGoJson(readOciConfig(new StructReader(parseJson(config, "configuration").value, "configuration")));
}

/**
 * Reads the members of a configuration that the image specification has (image-spec `v1.Image`), as Go does.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` if one has the wrong type.
 */
export function readOciConfig(from: StructReader): Members {
  return new Map<string, GoJsonValue | undefined>([
    ["created", readTime(from, "created")],
    ["author", nonEmpty(from.string("author"))],
    ...platformJson(readPlatform(from)),
    ["config", executionJson(from.struct("config"))],
    ["rootfs", rootfsJson(from.struct("rootfs"))],
    ["history", nonEmptyList(from.structs("history")?.map(historyJson))],
  ]);
}

/** Encodes `config`. Go cannot omit an empty struct, so `"config":{}` is always written. */
function executionJson(from: StructReader | undefined): Members {
  if (!from) return new Map();
  return new Map<string, GoJsonValue | undefined>([
    ["User", nonEmpty(from.string("User"))],
    ["ExposedPorts", readSet(from, "ExposedPorts")],
    ["Env", nonEmpty(from.strings("Env"))],
    ["Entrypoint", nonEmpty(from.strings("Entrypoint"))],
    ["Cmd", nonEmpty(from.strings("Cmd"))],
    ["Volumes", readSet(from, "Volumes")],
    ["WorkingDir", nonEmpty(from.string("WorkingDir"))],
    ["Labels", sortedMap(from.stringMap("Labels"))],
    ["StopSignal", nonEmpty(from.string("StopSignal"))],
    ["ArgsEscaped", from.boolean("ArgsEscaped") || undefined],
  ]);
}

function rootfsJson(from: StructReader | undefined): Members {
  return new Map<string, GoJsonValue>([
    ["type", from?.string("type") ?? ""],
    ["diff_ids", from?.strings("diff_ids") ?? null],
  ]);
}

function historyJson(from: StructReader): Members {
  return new Map<string, GoJsonValue | undefined>([
    ["created", readTime(from, "created")],
    ["created_by", nonEmpty(from.string("created_by"))],
    ["author", nonEmpty(from.string("author"))],
    ["comment", nonEmpty(from.string("comment"))],
    ["empty_layer", from.boolean("empty_layer") || undefined],
  ]);
}

/** Reads a Go `map[string]struct{}`, of which only the keys matter; `undefined` if it is empty or absent. */
export function readSet(from: StructReader, name: string): ReadonlyMap<string, GoJsonValue> | undefined {
  const members = from.struct(name)?.entries((value) => value === null || isObject(value), "an object");
  return sortedMap(members?.map(([key]) => [key, new Map()] as const));
}

function nonEmptyList(list: readonly GoJsonValue[] | undefined): readonly GoJsonValue[] | undefined {
  return list?.length ? list : undefined;
}
