import { loadContainersConf } from "../config/files/room.ts";
import type { ContainersConf } from "../config/room.ts";
import type { SystemContext } from "../system/local/room.ts";
import { parseCount, parseDuration } from "./flags.ts";

/** Flags about retries of failed requests and copy steps. */
export interface RetryFlags {
  retry?: string;
  retryDelay?: string;
}

/**
 * Returns the retry options: the flags, or else `containers.conf`. `undefined` members mean the default of the engine.
 *
 * @param given `containers.conf`, if the caller has read it.
 * @throws {UsageError} A flag has an invalid value.
 */
export async function retryOptions(
  flags: RetryFlags,
  given?: ContainersConf,
): Promise<Pick<SystemContext, "maxRetries" | "retryDelay">> {
  const conf = given ?? await loadContainersConf();
  const { retry = conf.retry?.toString(), retryDelay = conf.retryDelay } = flags;
  return {
    maxRetries: retry === undefined ? undefined : parseCount("--retry", retry),
    retryDelay: retryDelay === undefined ? undefined : parseDuration("--retry-delay", retryDelay),
  };
}
