/** Plans of releases: whatever was there before, nothing is left to do after an apply. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { makeReleaseWorld, type ReleaseWorld } from "../support/release_world.ts";

const ARCHITECTURES = ["amd64", "arm64", "riscv64"];
const REPOSITORIES = ["a.example/app", "b.example/app"];

/** A step that somebody takes between two runs. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("build"), at: fc.nat(2), tag: fc.constant("") }),
  fc.record({ kind: fc.constantFrom("tag", "delete"), at: fc.nat(1), tag: fc.constantFrom("1", "2", "latest") }),
  fc.record({ kind: fc.constant("apply"), at: fc.nat(5), tag: fc.constantFrom("1", "2") }),
);

function describeRelease(at: number, tag: string): string {
  const sources = ARCHITECTURES.slice(0, (at % 3) + 1).map((name) =>
    `{ image: a.example/app:${name}, optional: true }`
  );
  const targets = at < 3 ? REPOSITORIES : REPOSITORIES.slice(0, 1);
  return `version: 1\nreleases:\n  app:\n    targets: [${targets}]\n    tags: ["${tag}", latest]\n    sources: [${sources}]\n`;
}

async function take(world: ReleaseWorld, { kind, at, tag }: { kind: string; at: number; tag: string }, round: number) {
  if (kind === "build") await world.push(`a.example/app:${ARCHITECTURES[at]}`, ARCHITECTURES[at]!, `round ${round}`);
  else if (kind === "tag") await world.push(`${REPOSITORIES[at]}:${tag}`, "amd64", `by hand ${round}`);
  else if (kind === "delete") await world.repository(REPOSITORIES[at]!).deleteManifest(tag);
  else await world.apply(describeRelease(at, tag), { update: round % 2 === 0, force: true, prune: round % 3 === 0 });
}

Deno.test("after an apply, the plan is empty and a second apply writes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.nat(5), fc.boolean(), async (steps, at, prune) => {
      const world = await makeReleaseWorld();
      for (const [round, one] of steps.entries()) await take(world, one, round);
      const text = describeRelease(at, "3");
      await world.apply(text, { force: true, prune });
      const before = JSON.stringify(world.lock);
      const { summary } = await world.plan(text, { prune });
      const { keep, leave } = summary;
      assert.deepEqual({ ...summary, keep: 0, leave: 0 }, {
        ...summary,
        add: 0,
        move: 0,
        keep: 0,
        drift: 0,
        refuse: 0,
        hold: 0,
        delete: 0,
        leave: 0,
        forget: 0,
      });
      assert.equal(keep, at < 3 ? 4 : 2);
      if (prune) assert.equal(leave, 0);
      await world.apply(text, { prune, frozen: true });
      assert.deepEqual(world.writes, []);
      assert.equal(JSON.stringify(world.lock), before);
    }),
    { numRuns: 40 },
  );
});
