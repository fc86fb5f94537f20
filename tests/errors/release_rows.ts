/** Errors of releases. */
import { applyFile, EMPTY_LOCK, parseReleaseFile, planFile, type ReleaseLock } from "../../src/release/room.ts";
import { LOCAL_RUNTIME } from "../../src/system/local/room.ts";
import { type ErrorRows, type ErrorWorld, HOST, IMAGE, MISSING, NAME } from "./world.ts";

const TAG = `${HOST}/app:amd64`;

/** Applies a release of one image whose tag exists already. */
async function apply({ systemContext }: ErrorWorld, setting: string, lock: ReleaseLock): Promise<void> {
  const text = `version: 1\nreleases:\n  app:\n    to: ["${TAG}"]\n    sources: ["${NAME}"]\n${setting}`;
  const store = { read: () => Promise.resolve(lock), update: () => Promise.resolve() };
  await applyFile({ runtime: LOCAL_RUNTIME }, await parseReleaseFile(text), store, { systemContext });
}

export const RELEASE_ROWS: ErrorRows = {
  LOCK_OUTDATED: async ({ systemContext }) => {
    const file = await parseReleaseFile(`- "${NAME}"\n`, { to: [`${HOST}/app:1`] });
    await planFile({ runtime: LOCAL_RUNTIME }, file, EMPTY_LOCK, { systemContext, frozen: true });
  },
  TAG_DRIFTED: (world) =>
    apply(world, "", {
      version: 1,
      releases: { app: { sources: { [NAME]: IMAGE.digest }, tags: { [TAG]: MISSING } } },
    }),
  TAG_IMMUTABLE: (world) => apply(world, '    immutable: ["*"]\n', EMPTY_LOCK),
};
