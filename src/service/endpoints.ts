import { formatInspection, type ProvenanceOptions } from "../actions/room.ts";
import type { PushResult } from "../list/room.ts";
import type { ImageReference, SystemContext } from "../image/room.ts";
import { withoutAnswers } from "../registry/room.ts";
import { appendToIndex, composeIndex, inspectIndex, validateIndex } from "../system/remote/room.ts";
import { findPlatform, isTag } from "../spec/room.ts";
import type { HandlerAction } from "./authentication/types.ts";
import { type Call, createEndpoint, type Endpoint } from "./endpoint.ts";
import { MAX_PLATFORM_LENGTH } from "./fan_in/platforms.ts";
import { badRequest } from "./handler_error.ts";
import type { ResolvedLimits } from "./options.ts";
import { MAX_IMAGE_LENGTH } from "./permissions.ts";
import { annotations, flag, optional, text, texts } from "./request_fields.ts";

/** Context and limits for {@linkcode createEndpoints}, shared by all requests. */
export interface EndpointOptions {
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Limits on the size of requests. */
  readonly limits: ResolvedLimits;
  /** Provenance to attach to each composed index. Default: none. */
  readonly provenance?: ProvenanceOptions | undefined;
}

/** Creates the endpoints that change or inspect an index in one call. */
export function createEndpoints(options: EndpointOptions): Record<Exclude<HandlerAction, "fan-in">, Endpoint> {
  const { systemContext, limits, provenance } = options;
  const images = { maxCount: limits.sources, maxLength: MAX_IMAGE_LENGTH };
  const index = {
    target: text("Tag to write, such as quay.io/me/app:1.", MAX_IMAGE_LENGTH),
    sources: texts("Images and indexes whose instances it gets.", images),
    all: flag("Take every instance of a source that is an index; false: only the one for linux/amd64.", true),
    attestations: flag("Also take the attestations of the instances.", true),
    platforms: optional(texts("Take only the instances for these platforms, such as linux/arm64.", {
      maxCount: limits.sources,
      maxLength: MAX_PLATFORM_LENGTH,
    })),
  };
  const image = { image: text("Image or index to read, such as quay.io/me/app:1.", MAX_IMAGE_LENGTH) };
  return {
    compose: createEndpoint({
      summary: "Composes an index from images and writes it under one or more tags.",
      answer: "Composition",
      fields: {
        ...index,
        tags: optional(texts("Further tags, such as latest, or full names of tags.", images)),
        annotations: annotations("Annotations of the index.", limits.annotationBytes),
      },
      async run({ target: name, tags: tagNames, sources: sourceNames, platforms, ...values }, call) {
        const target = readTarget(name, call);
        const tags = tagNames?.map((tag) => call.reach.target(completeTag(tag, target)));
        const sources = sourceNames.map((source) => {
          for (const tag of tags ?? []) call.reach.source(source, tag);
          return call.reach.source(source, target);
        });
        const { manifest: _, published, ...pushed } = await composeIndex({
          ...values,
          target,
          tags,
          sources,
          platforms: platforms?.map(assertPlatformText),
          provenance,
          systemContext,
          signal: call.signal,
        });
        return { ...describePush(pushed), ...(tags ? { published } : {}) };
      },
    }),
    append: createEndpoint({
      summary: "Adds images to an existing index.",
      answer: "Push",
      fields: { ...index, create: flag("Create the index if it does not exist.") },
      async run({ target: name, sources: sourceNames, platforms, ...values }, call) {
        const target = readTarget(name, call);
        const sources = sourceNames.map((source) => call.reach.source(source, target));
        const options = { ...values, platforms: platforms?.map(assertPlatformText), systemContext };
        return describePush(await appendToIndex(target, sources, { ...options, signal: call.signal }));
      },
    }),
    inspect: createEndpoint({
      summary: "Describes an image or index.",
      answer: "Inspection",
      fields: image,
      async run(values, { reach, signal }) {
        const described = await inspectIndex(reach.source(values.image), { systemContext, signal });
        return formatInspection(described, withoutAnswers);
      },
    }),
    validate: createEndpoint({
      summary: "Checks that an image or index is complete and consistent.",
      answer: "Validation",
      fields: image,
      async run(values, { reach, signal }) {
        const validation = await validateIndex(reach.source(values.image), { systemContext, signal });
        const { problems, unchecked } = validation;
        return {
          ...validation,
          problems: problems.map(withoutProblemAnswers),
          unchecked: unchecked.map(withoutProblemAnswers),
        };
      },
    }),
  };
}

/** Returns the tag that a request writes, and notes it in the request's log. */
export function readTarget(name: string, { reach, log }: Call): ImageReference {
  const target = reach.target(name);
  log.target = String(target.dockerReference);
  return target;
}

/** Returns the full name for a tag alone, which means a tag in the repository of the target. */
function completeTag(tag: string, { dockerReference }: ImageReference): string {
  return isTag(tag) ? `${dockerReference!.name}:${tag}` : tag;
}

/** Returns the text if it is a platform; otherwise throws an error with status 400. */
function assertPlatformText(text: string): string {
  if (findPlatform(text)) return text;
  throw badRequest(`platforms contains ${JSON.stringify(text)}, which is not a platform such as linux/arm64`);
}

function describePush({ instances, ...result }: PushResult) {
  return { ...result, instances: Object.fromEntries(instances) };
}

function withoutProblemAnswers<T extends { readonly problem?: string | undefined }>(item: T): T {
  return item.problem === undefined ? item : { ...item, problem: withoutAnswers(item.problem) };
}
