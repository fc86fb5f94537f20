import { jsonAnswer } from "./answers.ts";
import type { PublicPage, Routes } from "./handler.ts";

/** Parts of the handler that the public pages describe. */
export interface PagesOptions {
  /** Routes that `openapi.json` describes. */
  readonly routes: Routes;
  /** Path prefix of all routes. */
  readonly base: string;
  /** Reads the database; rejects if it cannot be reached. Returns `undefined` without a database. */
  readonly ping: () => Promise<void> | undefined;
}

/** Creates the pages for everybody: the web page, whether the service works, how to call it. */
export function createPages({ routes, base, ping }: PagesOptions): Readonly<Record<string, PublicPage>> {
  return {
    async ""() {
      const { createPage } = await import("../page/room.ts");
      return await createPage({ kind: "service", fanIn: routes["fan-in"] !== undefined });
    },
    healthz: () => Promise.resolve(jsonAnswer({ status: "alive" })),
    async readyz() {
      // An invalid configuration is an error when the handler is created.
      const database = ping();
      await database;
      return jsonAnswer({ status: "ready", database: database ? "reachable" : "none" });
    },
    async "openapi.json"() {
      const { describeRoutes } = await import("./openapi.ts");
      return jsonAnswer(describeRoutes(routes, base));
    },
  };
}
