import { readFirst, withChosenManifest } from "../../actions/room.ts";
import { isManifestsError, parsePlatform, parseReference } from "../../spec/room.ts";
import { findDigest, LOCAL_RUNTIME } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { ExitError } from "../errors.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import { type AnyImage, findCandidates } from "./places.ts";

/** Flags of `digest`. */
export interface DigestFlags extends RegistryFlags, ResultFormat {
  platform?: string;
  fullRef?: boolean;
}

/** Runs `digest IMAGE`. Exits with 1 if the image does not exist. */
export async function digest([name]: string[], flags: DigestFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  const call = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  await using store = new LocalStore(context);
  const images = await findCandidates(store, name!, call.systemContext);
  try {
    const found = platform === undefined
      ? await readFirst(images, async (image) => ({ image, digest: await findDigest(image, call) }), call.signal)
      : await withChosenManifest(
        LOCAL_RUNTIME,
        images,
        { platform, ...call },
        ({ digest }, { reference }) => ({ image: reference, digest }),
      );
    const text = flags.fullRef ? withDigest(found.image, found.digest) : found.digest;
    printResult(flags, [text], { digest: found.digest, reference: withDigest(found.image, found.digest) });
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) throw new ExitError(1, error.message);
    throw error;
  }
}

/** Returns the reference by digest: without its transport for a registry, such as `quay.io/me/app@sha256:…`. */
function withDigest(image: AnyImage, digest: string): string {
  const text = String(image);
  const docker = /^docker:\/\/(.*)$/s.exec(text)?.[1];
  return docker === undefined ? `${text}@${digest}` : `${parseReference(docker).trimmed()}@${digest}`;
}
