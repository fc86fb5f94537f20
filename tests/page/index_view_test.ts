/** The page with an index, in a browser, as `inspect --web` serves it. */
import assert from "node:assert/strict";
import { get } from "node:http";
import { Browser } from "../support/browser.ts";
import { bundle } from "../support/bundle.ts";
import { runInChromium } from "../support/chromium.ts";
import { startWithCors } from "../support/cors.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { ATTACKS, pushShowcase } from "../support/page_world.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { startServing } from "../support/served_page.ts";

/** The cards of the index itself, as their titles and what is grouped under them. */
const CARDS = `[...document.querySelectorAll("article > .cards > .card")].map((card) => ({
  title: card.querySelector("h3").textContent,
  facts: Object.fromEntries([...card.querySelectorAll(":scope > dl > dt")].map((name) =>
    [name.textContent, name.nextElementSibling.firstChild.textContent])),
  bar: [...card.querySelectorAll(":scope > .bar > span")].map((layer) => layer.className),
  label: card.querySelector(":scope > .bar")?.getAttribute("aria-label"),
  attestations: [...card.querySelectorAll(":scope > .attestations li > bdi")].map((type) => type.textContent),
  nested: card.querySelectorAll(".card").length,
  problems: card.querySelectorAll(":scope > ul.bad > li").length,
}))`;

interface Card {
  title: string;
  facts: Record<string, string>;
  bar: string[];
  label: string;
  attestations: string[];
  nested: number;
  problems: number;
}

peerTest("inspect --web shows an index, and attacks in it stay text", ["chromium"], async (t) => {
  await using registry = startEmbedded();
  const { index } = await pushShowcase(clientOf(registry.host).repository("app"), "1");
  const name = `docker://${registry.host}/app:1`;
  await using served = await startServing(["inspect", "--web", "--insecure", name]);
  await using browser = await Browser.open();
  await browser.goto(served.url);
  await browser.until(`document.querySelector(".problems")`);

  await t.step("platforms, layers, attestations, nested indexes and problems", async () => {
    const cards = await browser.evaluate<Card[]>(CARDS);
    const provenance = ["https://slsa.dev/provenance/v0.2"];
    assert.deepEqual(
      cards.map(({ title, bar, attestations, nested, problems }) => [title, bar, attestations, nested, problems]),
      [
        ["linux/amd64", ["shared", "shared", "single"], provenance, 0, 0],
        ["linux/arm64/v8", ["shared", "shared", "single"], provenance, 0, 0],
        ["linux/arm/v7", ["shared", "single"], [], 0, 0],
        ["windows/amd64", ["shared", "single"], [], 0, 2],
        ["Nested index", [], [], 1, 0],
        [`${ATTACKS[0]}/${ATTACKS[1]}`, ["shared", "single"], [], 0, 2],
      ],
    );
    assert.equal(cards[1]!.facts["Variant"], "v8");
    assert.equal(cards[3]!.facts["OS version"], "10.0.20348.1");
    assert.match(cards[0]!.label, /^3 layers, 4\d\.\d kB; shared: 2, \d+\.\d kB$/);
    const facts = await browser.evaluate<string>(`document.querySelector("article > dl").textContent`);
    assert.ok(facts.includes(index));
    assert.ok(facts.includes(`podman pull ${registry.host}/app:1`));
  });

  await t.step("attacks are text, and the page asks nobody else", async () => {
    const texts = await browser.evaluate<string[]>(
      `[...document.querySelectorAll("article > .annotations dt")].map((name) => name.textContent)`,
    );
    for (const attack of ATTACKS) assert.ok(texts.includes(attack.replace("\u202e", "\ufffd")), attack);
    const elements =
      `document.querySelectorAll("main img, main iframe, main script, main style, main [onerror]").length`;
    assert.equal(await browser.evaluate(elements), 0);
    assert.equal(await browser.evaluate("globalThis.attacked"), undefined);
    assert.deepEqual(browser.requests, ["", "inspect", "validate"].map((path) => `${served.url}/${path}`));
    assert.deepEqual(browser.errors, []);
  });

  await t.step("the policy stops what the page would not do itself", async () => {
    const inject = (code: string) =>
      browser.evaluate(`(() => { try { ${code}; return ""; } catch (e) { return e.name } })()`);
    assert.equal(await inject(`document.body.innerHTML = "<img src=x onerror='attacked=1'>"`), "TypeError");
    assert.equal(await inject(`document.createElement("script").text = "attacked = 1"`), "TypeError");
    const fetched = `fetch("http://127.0.0.1:9/").then(() => "sent", (error) => error.name)`;
    assert.equal(await browser.evaluate(fetched), "TypeError");
    assert.ok(browser.errors.some((error) => /connect-src 'self'/.test(error)), browser.errors.join("\n"));
    assert.equal(await browser.evaluate("globalThis.attacked"), undefined);
  });

  await t.step("every button and every detail can be reached and used by keyboard", async () => {
    await browser.goto(`${served.url}/`);
    await browser.until(`document.querySelector(".problems")`);
    const order: string[] = [];
    for (let i = 0; i < 40; i++) {
      await browser.press("Tab");
      const focused = await browser.evaluate<string>(
        `document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent`,
      );
      if (order.length > 0 && focused === order[0]) break;
      order.push(focused);
      if (focused === "3 layers") break;
    }
    assert.deepEqual(order.slice(0, 5), [
      "Multi-arch images",
      "Copy the digest",
      "Copy the command",
      "9 annotations",
      "Copy the digest",
    ]);
    await browser.press("Enter");
    await browser.until(`document.activeElement.parentElement.open`);
    const status = `document.querySelector("#status").textContent`;
    await browser.send("Browser.grantPermissions", { permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    await browser.evaluate(`document.querySelector("button.copy").focus()`);
    await browser.press("Enter");
    await browser.until(`${status} === "The digest is copied"`);
    assert.equal(await browser.evaluate("navigator.clipboard.readText()"), index);
    await browser.evaluate(`Object.defineProperty(navigator, "clipboard", { value: undefined })`);
    await browser.press("Enter");
    await browser.until(`${status}.startsWith("Cannot copy the digest")`);
    await browser.evaluate(`document.querySelector("summary").focus()`);
    const outline = `getComputedStyle(document.activeElement).outlineStyle`;
    assert.equal(await browser.evaluate(outline), "solid");
  });

  await t.step("it fits on a phone, in light and dark", async () => {
    await browser.resize(360, 740, true);
    const background = `getComputedStyle(document.body).backgroundColor`;
    const colors = [];
    for (const scheme of ["light", "dark"] as const) {
      await browser.setScheme(scheme);
      colors.push(await browser.evaluate(background));
      assert.equal(await browser.evaluate("document.documentElement.scrollWidth"), 360);
    }
    assert.deepEqual(colors, ["rgb(246, 247, 249)", "rgb(21, 24, 27)"]);
  });

  await t.step("only the named image is served, and only to pages of this address", async () => {
    const post = async (body: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${served.url}/inspect`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await post({ image: name }), 200);
    assert.equal(await post({ image: `${name}-nested` }), 500);
    assert.equal(await post({ image: name }, { origin: "http://attacker.example" }), 403);
    assert.equal(await post({ image: name }, { "content-type": "text/plain" }), 415);
    assert.equal(await post([]), 400);
    // The name of another site can resolve to 127.0.0.1; `fetch` does not send another host.
    const { port } = new URL(served.url);
    const status = await new Promise((resolve, reject) => {
      const request = get({ host: "127.0.0.1", port, headers: { host: "attacker.example" } }, (response) => {
        resolve(response.resume().statusCode);
      });
      request.on("error", reject);
    });
    assert.equal(status, 421);
  });
});

peerTest("diff --web shows two indexes side by side", ["chromium"], async () => {
  await using registry = startEmbedded();
  await pushShowcase(clientOf(registry.host).repository("app"), "1");
  const names = ["1", "1-nested"].map((tag) => `docker://${registry.host}/app:${tag}`);
  await using served = await startServing(["diff", "--web", "--insecure", ...names]);
  await using browser = await Browser.open();
  await browser.goto(served.url);
  await browser.until(`document.querySelector(".diff")`);
  const kinds = `[...document.querySelectorAll(".diff > .pairs > li, .diff > details > .pairs > li")].map((pair) =>
    [pair.querySelector("h3 bdi").textContent, pair.dataset.kind])`;
  assert.deepEqual(await browser.evaluate(kinds), [
    ["linux/arm64/v8", "removed"],
    ["linux/arm/v7", "removed"],
    ["windows/amd64:10.0.20348.1", "removed"],
    ["Attestation", "removed"],
    ["Nested index", "removed"],
    [`${ATTACKS[0]}/${ATTACKS[1]}`, "removed"],
    ["linux/amd64", "equal"],
    ["Attestation", "equal"],
  ]);
  assert.equal(await browser.evaluate("globalThis.attacked"), undefined);
  assert.deepEqual(browser.errors, []);
});

folderTest("the view of an index works in the browser alone, over ./remote", async (folder) => {
  const file = await bundle("web/alone.ts", folder);
  await using registry = startWithCors();
  const { index } = await pushShowcase(clientOf(registry.host).repository("app"), "1");
  const image = JSON.stringify(`${registry.host}/app:1`);
  const shown = await runInChromium(
    file,
    `module.show(document.body, ${image}, { dockerInsecureSkipTlsVerify: true }).then(() => ({
      cards: document.querySelectorAll("article > .cards > .card").length,
      verdict: document.querySelector(".verdict p").textContent,
      digest: document.querySelector("dl code").title,
    }))`,
  );
  assert.deepEqual(shown, { cards: 6, verdict: "2 problems: 9 images and 14 blobs checked", digest: index });
  assert.deepEqual(registry.errors, []);
}, ["chromium"]);
