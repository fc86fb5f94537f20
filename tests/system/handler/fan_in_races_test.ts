/** Runs and tags that others change at the same time: nothing newer is written over. */
import assert from "node:assert/strict";
import { type Answer, assertRefused, call } from "../../support/handlers.ts";
import { fanInTest, type FanInWorld, type Handler, look, PLATFORMS } from "../../support/fan_in.ts";

fanInTest("a tag that somebody else wrote after it was planned is not written over", async (at) => {
  let interfere = true;
  const fetch = async (request: Request) => {
    if (interfere && request.method === "PUT" && request.url.endsWith("/manifests/1")) {
      interfere = false;
      const { bytes } = await at.world.repository().getManifest("amd64");
      await at.world.repository().putManifest("1", bytes);
    }
    return await at.world.fetch(request);
  };
  const handler = at.handler({ systemContext: { fetch } });
  assertRefused(await at.reportAll(handler), 409, "SUPERSEDED");
  const { body } = await look(handler);
  assert.deepEqual([body.state, body.error.code, body.digest], ["superseded", "SUPERSEDED", undefined]);
  assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!) }), 409, "SUPERSEDED");
  assert.equal(await at.world.digestAt("1"), at.world.digests.get("linux/amd64"));
  assert.equal((await at.reportAll(handler, "2")).body.state, "published");
});

/** Two builds for one tag, which differ in their image for amd64. */
async function makeBuilds(at: FanInWorld) {
  const digests = new Map([["new", at.world.digests.get("linux/amd64")!]]);
  digests.set("old", await at.world.push({ architecture: "amd64", layers: [] }));
  return async (handler: Handler, run: "old" | "new", platform: string) => {
    const more = platform === "linux/amd64" ? { run, digest: digests.get(run) } : { run };
    return await call(handler, "/fan-in", { body: at.report(platform, more) });
  };
}

const [FIRST, SECOND, THIRD] = PLATFORMS as [string, string, string];

fanInTest("a run that began before the one that was published is not published any more", async (at) => {
  const handler = at.handler();
  const send = await makeBuilds(at);
  await send(handler, "old", FIRST);
  await send(handler, "old", SECOND);
  for (const platform of PLATFORMS) await send(handler, "new", platform);
  const published = await at.world.digestAt("1");
  assertRefused(await send(handler, "old", THIRD), 409, "SUPERSEDED");
  assert.deepEqual([await at.world.digestAt("1"), at.world.writesOf("1")], [published, 1]);
  assert.equal((await look(handler, "new")).body.state, "published");
});

fanInTest("a run that began later writes over the earlier one, also where that was faster at the end", async (at) => {
  const handler = at.handler();
  const send = await makeBuilds(at);
  for (const run of ["old", "new"] as const) for (const platform of [FIRST, SECOND]) await send(handler, run, platform);
  let between: Answer | undefined;
  const fetch = async (request: Request) => {
    const writes = request.method === "PUT" && request.url.endsWith("/manifests/1");
    if (writes && !between) between = await send(handler, "old", THIRD);
    return await at.world.fetch(request);
  };
  const { body } = await send(at.handler({ systemContext: { fetch } }), "new", THIRD);
  assert.deepEqual([between?.body.state, body.state], ["published", "published"]);
  assert.notEqual(between?.body.digest, body.digest);
  assert.equal(await at.world.digestAt("1"), body.digest);
  assert.equal((await look(handler, "old")).body.state, "published");
});

fanInTest("a tag that has the index already is left alone", async (at) => {
  const handler = at.handler();
  const { body } = await at.reportAll(handler);
  const again = await at.reportAll(handler, "2");
  assert.deepEqual([again.body.state, again.body.digest, at.world.writesOf("1")], ["published", body.digest, 1]);
});

fanInTest(
  "who publishes is not disturbed; who does not come to an end is replaced, and then writes nothing",
  async (at) => {
    const stalled = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
    const fetch = async (request: Request) => {
      if (request.url.includes("/blobs/")) {
        stalled.resolve();
        await goOn.promise;
      }
      return await at.world.fetch(request);
    };
    const handler = at.handler();
    await at.reportAll(handler, "1", [FIRST, SECOND]);
    // What the last report is about is known already, so that only publishing stalls.
    await at.reportAll(handler, "2", [THIRD]);
    let down = true;
    const slow = at.handler({
      systemContext: {
        fetch: (request) => {
          if (!down) return fetch(request);
          return Promise.resolve(new Response("", { status: request.url.endsWith("/v2/") ? 200 : 500 }));
        },
      },
    });
    assertRefused(await call(slow, "/fan-in", { body: at.report(THIRD) }), 502, "REGISTRY_ERROR");
    down = false;
    const first = call(slow, "/fan-in", { body: at.report(THIRD) });
    await stalled.promise;
    for (const platform of PLATFORMS) {
      assert.equal((await call(handler, "/fan-in", { body: at.report(platform) })).body.state, "publishing");
    }
    assert.equal((await look(handler)).body.state, "publishing");
    at.now += 60_000 + 30_000;
    assert.equal((await look(handler)).body.state, "published");
    goOn.resolve();
    assert.deepEqual((await first).body, (await look(handler)).body);
    assert.equal(at.world.writesOf("1"), 1);
  },
);
