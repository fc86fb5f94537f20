import { isDigest, isTag } from "../../spec/room.ts";
import type { Call } from "../endpoint.ts";
import { readTarget } from "../endpoints.ts";
import { badRequest } from "../handler_error.ts";
import type { ResolvedLimits } from "../options.ts";
import { MAX_IMAGE_LENGTH } from "../permissions.ts";
import { annotations, flag, optional, text, texts, type Values } from "../request_fields.ts";
import { MAX_PLATFORM_LENGTH, normalizePlatformText } from "./platforms.ts";
import type { Report } from "./run.ts";

/** Maximum number of further tags of a run: the record of a run has room for no more. */
const MAX_TAGS = 16;
/** Maximum length of a tag, in characters. */
const MAX_TAG_LENGTH = 128;

/** Name of a run, in requests. */
export const RUN_FIELD = text(
  'Name that distinguishes the run from others for the tag: letters, digits, ".", ":", "/", "_" and "-".',
  128,
);

/** Tag of a run, in requests. */
export const TARGET_FIELD = text("Tag that the run publishes, such as quay.io/me/app:1.", MAX_IMAGE_LENGTH);

/** Returns the values of a report. */
export function createReportFields({ sources, annotationBytes }: ResolvedLimits) {
  const platforms = { maxCount: sources, maxLength: MAX_PLATFORM_LENGTH };
  return {
    target: TARGET_FIELD,
    tags: optional(texts("Further tags of the same repository, such as latest.", {
      maxCount: MAX_TAGS,
      maxLength: MAX_TAG_LENGTH,
    })),
    run: RUN_FIELD,
    expected: texts(
      "Platforms of the index, in its order. Answers have them in their normalised form: linux/arm64 for linux/arm64/v8.",
      platforms,
    ),
    platform: optional(text("Platform of the reported image.", MAX_PLATFORM_LENGTH)),
    platforms: optional(
      texts("Instead of platform: all platforms of the reported image, which is an index.", platforms),
    ),
    digest: optional(text("Digest of the image, in the repository of target.", MAX_IMAGE_LENGTH)),
    image: optional(text("Instead of digest: the image in another repository, named by digest.", MAX_IMAGE_LENGTH)),
    annotations: annotations("Annotations of the index.", annotationBytes),
    replace: flag("Replace an earlier report with another image, until the run is complete."),
  };
}

/** Reads a job's report. Throws an error with status 400 if it is malformed, 403 if the caller lacks permission. */
export function readReport(
  values: Values<ReturnType<typeof createReportFields>>,
  call: Call,
  now: number,
): Report {
  const target = readTarget(values.target, call).dockerReference!;
  const expected = values.expected.map(normalizePlatformText);
  if (new Set(expected).size < expected.length) throw badRequest("expected contains a platform twice");
  return {
    target: String(target),
    tags: readTags(values.tags ?? [], target.tag!),
    run: readRunName(values.run, call),
    expected,
    platforms: readPlatforms(values, expected),
    image: readImage(values, target.name, call),
    annotations: values.annotations,
    replace: values.replace,
    by: call.caller,
    at: now,
  };
}

/** Checks further tags. `first` is the tag of the target. */
function readTags(tags: readonly string[], first: string): readonly string[] {
  const bad = tags.find((tag) => !isTag(tag) || tag === first);
  if (bad === undefined) return tags;
  throw badRequest(
    bad === first
      ? `tags contains ${JSON.stringify(bad)}, which is the tag of target`
      : `tags contains ${JSON.stringify(bad)}, which is not a tag such as latest`,
  );
}

/** Returns the platforms that are reported, in their normalised form. */
function readPlatforms(
  { platform, platforms }: { readonly platform: string | undefined; readonly platforms: readonly string[] | undefined },
  expected: readonly string[],
): string[] {
  if ((platform === undefined) === (platforms === undefined)) {
    throw badRequest("it must have exactly one of platform and platforms");
  }
  const reported = (platforms ?? [platform!]).map(normalizePlatformText);
  if (new Set(reported).size < reported.length) throw badRequest("platforms contains a platform twice");
  const unexpected = reported.find((text) => !expected.includes(text));
  if (unexpected === undefined) return reported;
  throw badRequest(`platform ${unexpected} is not listed in expected`);
}

/** Returns the name of the image that is reported. */
function readImage(
  { digest, image, target }: { digest: string | undefined; image: string | undefined; target: string },
  repository: string,
  { reach }: Call,
): string {
  if ((digest === undefined) === (image === undefined)) {
    throw badRequest("it must have exactly one of digest and image");
  }
  if (digest !== undefined && !isDigest(digest)) throw badRequest(`${JSON.stringify(digest)} is not a digest`);
  const named = reach.source(image ?? `${repository}@${digest}`, reach.target(target)).dockerReference!;
  if (named.digest === undefined) throw badRequest("image must be named by digest, because a tag can change");
  return String(named);
}

/** Returns a run name if it is safe in keys and log lines; otherwise throws an error with status 400. */
export function readRunName(name: string, { log }: Call): string {
  if (/^[\w.:/-]+$/.test(name)) return log.run = name;
  throw badRequest(`invalid run ${JSON.stringify(name)}: only letters, digits, ".", ":", "/", "_" and "-" are allowed`);
}
