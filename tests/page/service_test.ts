/** The page of the service, in a browser: login, a run that assembles itself, and the comparison of two images. */
import assert from "node:assert/strict";
import { Browser } from "../support/browser.ts";
import { makeFanIn, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { assertRefused, call, HOST, makeWorld, TOKEN } from "../support/handlers.ts";
import { pushShowcase } from "../support/page_world.ts";
import { peerTest } from "../support/peers.ts";
import { serve } from "../support/registries.ts";

/** The states of the cells by platform. */
const CELLS = `Object.fromEntries([...document.querySelectorAll(".cell")].map((cell) =>
  [cell.querySelector("h3").textContent, cell.dataset.state]))`;

Deno.test("the service serves the page without a token, and only at its own path", async () => {
  const handler = (await makeWorld()).handler({ basePath: "/api" });
  const get = async (path: string, method = "GET") =>
    await handler(new Request(`https://x.example${path}`, { method }));
  const page = await get("/api/");
  assert.equal(page.status, 200);
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  const policy = page.headers.get("content-security-policy")!;
  assert.match(
    policy,
    /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; /,
  );
  assert.ok(!/unsafe|\*|https?:/.test(policy));
  assert.match(await page.text(), /^<!doctype html>/);
  assert.equal(await (await get("/api/", "HEAD")).text(), "");
  assertRefused(await call(handler, "/api/", { body: {} }), 405, "METHOD_NOT_ALLOWED");
  for (const path of ["/", "/other", "/api/x/"]) assert.equal((await get(path)).status, 404, path);
});

peerTest("a run assembles itself in the browser, after a login that stays in the tab", ["chromium"], async (t) => {
  using kv = await Deno.openKv(":memory:");
  const at = await makeFanIn(kv);
  at.now = Date.now();
  const handler = at.handler();
  await using server = serve(handler);
  await using browser = await Browser.open({ size: [900, 700] });
  const report = async (platform: string) => await call(handler, "/fan-in", { body: at.report(platform) });
  await report(PLATFORMS[0]!);

  await t.step("the token is asked for, again if it is wrong, and sent as a header only", async () => {
    await browser.goto(`http://${server.host}/`);
    await browser.until(`document.querySelector("#field-target")`);
    for (const [field, text] of [["target", TARGET], ["run", "1"]] as const) {
      await browser.evaluate(`document.querySelector("#field-${field}").focus()`);
      await browser.type(text);
    }
    await browser.press("Enter");
    for (const token of ["wrong", TOKEN]) {
      const wrong = token === TOKEN;
      await browser.until(
        `document.querySelector("dialog[open]") && !!document.querySelector("dialog .bad") === ${wrong}`,
      );
      assert.equal(await browser.evaluate("document.activeElement.type"), "password");
      await browser.type(token);
      await browser.press("Enter");
    }
    await browser.until(`document.querySelector(".cell")`);
    assert.ok(browser.requests.every((url) => !url.includes(TOKEN)), browser.requests.join("\n"));
    assert.ok(browser.headers.some((headers) => headers["authorization"] === `Bearer ${TOKEN}`));
    assert.deepEqual(await browser.evaluate("[document.cookie, localStorage.length]"), ["", 0]);
    assert.ok(!(await browser.evaluate<string>("location.href")).includes(TOKEN));
  });

  await t.step("cells change as platforms are reported, until the index is published", async () => {
    const [amd64, arm64, s390x] = PLATFORMS as [string, string, string];
    assert.deepEqual(await browser.evaluate(CELLS), { [amd64]: "reported", [arm64]: "missing", [s390x]: "missing" });
    const text = await browser.evaluate<string>("document.querySelector('.state').textContent");
    assert.equal(text, `Waiting for ${arm64}, ${s390x}`);
    assert.match(await browser.evaluate("document.querySelector('.cell').innerText"), /by .+, \d+ s ago/);
    await report(arm64);
    await browser.until(`${CELLS}["${arm64}"] === "reported"`);
    await report(s390x);
    await browser.until(`document.querySelector(".state").textContent === "Published"`);
    assert.deepEqual(Object.values(await browser.evaluate<object>(CELLS)), Array(3).fill("published"));
    const digest = await browser.evaluate<string>("document.querySelector('.run dl code').title");
    assert.equal(digest, await at.world.digestAt("1"));
  });

  await t.step("runs of a target are listed, and lead to the run", async () => {
    await browser.goto(`http://${server.host}/#${new URLSearchParams({ target: TARGET })}`);
    const runs = await browser.until<string>(`document.querySelector(".links li")?.innerText`);
    assert.match(runs, /^1 published, 3 of 3 platforms, began /);
  });

  await t.step("two images are compared side by side", async () => {
    await pushShowcase(at.world.repository(), "old");
    const names = { image: `${HOST}/app:old`, with: TARGET };
    await browser.goto(`http://${server.host}/#${new URLSearchParams(names)}`);
    await browser.until(`document.querySelector(".diff")`);
    const kinds = `[...document.querySelectorAll(".pairs > li")].map((pair) =>
      [pair.querySelector("h3 bdi").textContent, pair.dataset.kind])`;
    const found = await browser.evaluate<[string, string][]>(kinds);
    assert.deepEqual(found.filter(([platform]) => /^(linux|windows)\//.test(platform)), [
      ["linux/amd64", "changed"],
      ["linux/arm64/v8", "changed"],
      ["linux/arm/v7", "removed"],
      ["windows/amd64:10.0.20348.1", "removed"],
      ["linux/s390x", "added"],
    ]);
    assert.match(
      await browser.evaluate("document.querySelector('.pairs > li .changes').innerText"),
      /digest differs\nsize: .+ → .+ \(−.+\)\nlayers: 3 removed, 1 added, 0 kept/,
    );
  });

  await t.step("logging out forgets the token", async () => {
    await browser.evaluate(`[...document.querySelectorAll("header button")].find((b) => !b.hidden).click()`);
    await browser.until(`document.querySelector("dialog[open]")`);
    assert.equal(await browser.evaluate("sessionStorage.length"), 0);
    await browser.press("Escape");
    await browser.until(`document.querySelector("[role=alert]")`);
  });
  assert.deepEqual([...new Set(browser.requests.map((url) => new URL(url).host))], [server.host]);
  assert.deepEqual(browser.errors.filter((error) => !/status of 401/.test(error)), []);
});
