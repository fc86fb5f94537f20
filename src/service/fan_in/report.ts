import { isDigest } from "../../spec/room.ts";
import type { Call } from "../endpoints.ts";
import { Members } from "../members.ts";
import type { ResolvedLimits } from "../options.ts";
import { MAX_IMAGE_LENGTH } from "../permissions.ts";
import { badRequest } from "../handler_error.ts";
import { MAX_PLATFORM_LENGTH, normalizePlatformText } from "./platforms.ts";
import type { Report, Run } from "./run.ts";

/** Maximum length of the name of a run, in characters. */
const MAX_RUN_LENGTH = 128;

/** Reads a job's report. Throws an error with status 400 if it is malformed, 403 if the caller lacks permission. */
export function readReport({ body, reach }: Call, { sources, annotationBytes }: ResolvedLimits): Report {
  const names = ["target", "run", "expected", "platform", "digest", "image", "annotations", "replace"];
  const members = new Members(body, names);
  const target = reach.target(members.string("target", MAX_IMAGE_LENGTH));
  const expected = members.strings("expected", { maxCount: sources, maxLength: MAX_PLATFORM_LENGTH }).map(
    normalizePlatformText,
  );
  if (new Set(expected).size < expected.length) throw badRequest("expected contains a platform twice");
  const platform = normalizePlatformText(members.string("platform", MAX_PLATFORM_LENGTH));
  if (!expected.includes(platform)) throw badRequest(`platform ${platform} is not listed in expected`);
  const digest = members.optionalString("digest", MAX_IMAGE_LENGTH);
  const image = members.optionalString("image", MAX_IMAGE_LENGTH);
  if ((digest === undefined) === (image === undefined)) {
    throw badRequest("it must have exactly one of digest and image");
  }
  if (digest !== undefined && !isDigest(digest)) throw badRequest(`${JSON.stringify(digest)} is not a digest`);
  const named = reach.source(image ?? `${target.dockerReference!.name}@${digest}`, target).dockerReference!;
  if (named.digest === undefined) throw badRequest("image must be named by digest, because a tag can change");
  return {
    target: String(target.dockerReference),
    run: readRunName(members.string("run", MAX_RUN_LENGTH)),
    expected,
    annotations: members.annotations("annotations", annotationBytes),
    platform,
    image: String(named),
    replace: members.flag("replace"),
  };
}

/** Reads the query for the state of a run. */
export function readRunQuery({ body, reach }: Call): Pick<Run, "target" | "run"> {
  const members = new Members(body, ["target", "run"]);
  return {
    target: String(reach.target(members.string("target", MAX_IMAGE_LENGTH)).dockerReference),
    run: readRunName(members.string("run", MAX_RUN_LENGTH)),
  };
}

/** Returns a run name if it is safe in keys and log lines; otherwise throws an error with status 400. */
function readRunName(name: string): string {
  if (/^[\w.:/-]+$/.test(name)) return name;
  throw badRequest(`invalid run ${JSON.stringify(name)}: only letters, digits, ".", ":", "/", "_" and "-" are allowed`);
}
