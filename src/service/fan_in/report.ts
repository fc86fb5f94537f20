import { isDigest } from "../../spec/room.ts";
import type { Call } from "../endpoints.ts";
import { Members } from "../members.ts";
import type { ResolvedLimits } from "../options.ts";
import { MAX_IMAGE_LENGTH } from "../permissions.ts";
import { badRequest } from "../refusal.ts";
import { MAX_PLATFORM_LENGTH, parsePlatform } from "./platforms.ts";
import type { Report, Run } from "./run.ts";

/** Longest name of a run. */
const MAX_RUN_LENGTH = 128;

/** Reads a job's report: 400 where it is malformed, 403 where the caller may not say so. */
export function readReport({ body, reach }: Call, { sources, annotationBytes }: ResolvedLimits): Report {
  const names = ["target", "run", "expected", "platform", "digest", "image", "annotations", "replace"];
  const members = new Members(body, names);
  const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
  const expected = members.strings("expected", { maxCount: sources, maxLength: MAX_PLATFORM_LENGTH }).map(
    parsePlatform,
  );
  if (new Set(expected).size < expected.length) throw badRequest("expected names a platform twice");
  const platform = parsePlatform(members.string("platform", MAX_PLATFORM_LENGTH));
  if (!expected.includes(platform)) throw badRequest(`${platform} is not among what is expected`);
  const digest = members.optionalString("digest", MAX_IMAGE_LENGTH);
  const image = members.optionalString("image", MAX_IMAGE_LENGTH);
  if ((digest === undefined) === (image === undefined)) throw badRequest("it must have either digest or image");
  if (digest !== undefined && !isDigest(digest)) throw badRequest(`${JSON.stringify(digest)} is no digest`);
  const named = reach.source(image ?? `${target.dockerReference!.name}@${digest}`, target).dockerReference!;
  if (named.digest === undefined) throw badRequest("image has no digest, without which it may change");
  return {
    target: String(target.dockerReference),
    run: requireRunName(members.string("run", MAX_RUN_LENGTH)),
    expected,
    annotations: members.annotations("annotations", annotationBytes),
    platform,
    image: String(named),
    replace: members.flag("replace"),
  };
}

/** Reads which run a caller wants to know about. */
export function readRunQuery({ body, reach }: Call): Pick<Run, "target" | "run"> {
  const members = new Members(body, ["target", "run"]);
  return {
    target: String(reach.target(members.string("target", MAX_IMAGE_LENGTH)).dockerReference),
    run: requireRunName(members.string("run", MAX_RUN_LENGTH)),
  };
}

/** The name of a run, if keys and lines of logs may hold it. */
function requireRunName(name: string): string {
  if (/^[\w.:/-]+$/.test(name)) return name;
  throw badRequest(`${JSON.stringify(name)} names no run: that takes letters, digits, ".", ":", "/", "_" and "-"`);
}
