import { loadContainersConf } from "../config/files/room.ts";
import type { SystemContext } from "../system/local/room.ts";
import { parseCount, parseDuration } from "./flags.ts";

/** Flags about retries. */
export interface RetryFlags {
  retry?: string;
  retryDelay?: string;
}

/** How often and when what failed is tried again: by the flags, else by `containers.conf`, else by the defaults. */
export async function retryOptions(flags: RetryFlags): Promise<Pick<SystemContext, "maxRetries" | "retryDelay">> {
  const conf = await loadContainersConf();
  const { retry = conf.retry?.toString(), retryDelay = conf.retryDelay } = flags;
  return {
    maxRetries: retry === undefined ? undefined : parseCount("--retry", retry),
    retryDelay: retryDelay === undefined ? undefined : parseDuration("--retry-delay", retryDelay),
  };
}
