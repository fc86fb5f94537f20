import { startEmbedded } from "../support/registries.ts";
import { type Report, work } from "./work.ts";

/** What the job gives under Deno: what others must give, too. */
export async function workHere(): Promise<Report> {
  await using from = startEmbedded();
  await using to = startEmbedded();
  return await work({ from: from.host, to: to.host });
}
