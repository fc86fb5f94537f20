import { startEmbedded } from "../support/registries.ts";
import { type Report, work } from "./work.ts";

/** Runs the job under Deno: the other runtimes must have the same results. */
export async function workHere(): Promise<Report> {
  await using from = startEmbedded();
  await using to = startEmbedded();
  return await work({ from: from.host, to: to.host });
}
