import {
  encodeGoJson,
  type GoJsonValue,
  nonEmpty,
  type RawJson,
  rawMembers,
  readTime,
  sortedMap,
  type StructReader,
  ZERO_TIME,
} from "../../json/room.ts";
import { readSet } from "./oci_config.ts";

/** First version of Docker that wrote all members that later versions expect. */
const FIRST_COMPLETE_VERSION = [1, 8, 3];

/** Returns whether Docker before 1.8.3 wrote a schema 1 configuration. */
export function isOldDocker(from: StructReader): boolean {
  const version = from.string("docker_version");
  if (!version) return false;
  // As in moby's `versions.LessThan`, a part that is not a number is 0, so `1.8.2-fc22` is 1.8.0.
  const parts = version.split(".").map((part) => /^[+-]?\d+$/.test(part) ? Number(part) : 0);
  for (let i = 0; i < Math.max(parts.length, FIRST_COMPLETE_VERSION.length); i++) {
    const difference = (parts[i] ?? 0) - (FIRST_COMPLETE_VERSION[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * Returns the members of a configuration that an old Docker wrote as a current Docker would write them: the known
 * members, including those that old versions omitted (container-libs `Schema2V1Image`).
 */
export function completeOldConfig(from: StructReader): Map<string, RawJson> {
  const config = from.struct("config");
  const complete = encodeGoJson(
    new Map<string, GoJsonValue | undefined>([
      ["comment", nonEmpty(from.string("comment"))],
      ["created", readTime(from, "created") ?? ZERO_TIME],
      ["container", nonEmpty(from.string("container"))],
      ["container_config", containerJson(from.struct("container_config"))],
      ["docker_version", nonEmpty(from.string("docker_version"))],
      ["author", nonEmpty(from.string("author"))],
      ["config", config && containerJson(config)],
      ["architecture", nonEmpty(from.string("architecture"))],
      ["variant", nonEmpty(from.string("variant"))],
      ["os", nonEmpty(from.string("os"))],
    ]),
  );
  return rawMembers(complete, "configuration");
}

/** Encodes Docker's `Config`, in its order. Many members are written even if they are empty, or as `null` if absent. */
function containerJson(from: StructReader | undefined): GoJsonValue {
  const text = (name: string) => from?.string(name) ?? "";
  const flag = (name: string) => from?.boolean(name) ?? false;
  return new Map<string, GoJsonValue | undefined>([
    ["Hostname", text("Hostname")],
    ["Domainname", text("Domainname")],
    ["User", text("User")],
    ["AttachStdin", flag("AttachStdin")],
    ["AttachStdout", flag("AttachStdout")],
    ["AttachStderr", flag("AttachStderr")],
    ["ExposedPorts", from && readSet(from, "ExposedPorts")],
    ["Tty", flag("Tty")],
    ["OpenStdin", flag("OpenStdin")],
    ["StdinOnce", flag("StdinOnce")],
    ["Env", from?.strings("Env") ?? null],
    ["Cmd", from?.stringOrStrings("Cmd") ?? null],
    ["Healthcheck", healthcheckJson(from?.struct("Healthcheck"))],
    ["ArgsEscaped", flag("ArgsEscaped") || undefined],
    ["Image", text("Image")],
    ["Volumes", from?.has("Volumes") ? readSet(from, "Volumes") ?? new Map() : null],
    ["WorkingDir", text("WorkingDir")],
    ["Entrypoint", from?.stringOrStrings("Entrypoint") ?? null],
    ["NetworkDisabled", flag("NetworkDisabled") || undefined],
    ["MacAddress", nonEmpty(text("MacAddress"))],
    ["OnBuild", from?.strings("OnBuild") ?? null],
    ["Labels", from?.has("Labels") ? sortedMap(from.stringMap("Labels")) ?? new Map() : null],
    ["StopSignal", nonEmpty(text("StopSignal"))],
    ["StopTimeout", from?.integer("StopTimeout")],
    ["Shell", nonEmpty(from?.stringOrStrings("Shell"))],
  ]);
}

/** Encodes a health check. Durations are in nanoseconds; zero is omitted. */
function healthcheckJson(from: StructReader | undefined): GoJsonValue | undefined {
  return from && new Map<string, GoJsonValue | undefined>([
    ["Test", nonEmpty(from.strings("Test"))],
    ["StartPeriod", from.integer("StartPeriod") || undefined],
    ["StartInterval", from.integer("StartInterval") || undefined],
    ["Interval", from.integer("Interval") || undefined],
    ["Timeout", from.integer("Timeout") || undefined],
    ["Retries", from.integer("Retries") || undefined],
  ]);
}
