/** The page of `registry serve`, in a browser: its repositories, tags and indexes, with passwords. */
import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { RegistryClient } from "../../src/registry/room.ts";
import { Browser } from "../support/browser.ts";
import { folderTest } from "../support/folders.ts";
import { pushShowcase } from "../support/page_world.ts";
import { startServing } from "../support/served_page.ts";

const PASSWORD = "pässword";

folderTest("registry serve shows its content to those who have a password", async (folder) => {
  await Deno.writeTextFile(`${folder}/users`, `me:${hashSync(PASSWORD, 4)}\n`);
  const serve = ["registry", "serve", "--port", "0", "--htpasswd", `${folder}/users`, `${folder}/images`];
  await using served = await startServing(serve);
  const { host } = new URL(served.url);
  const client = new RegistryClient(host, { insecure: true, credentials: { username: "me", password: PASSWORD } });
  await pushShowcase(client.repository("team/app"), "1");
  await using browser = await Browser.open();
  await browser.goto(served.url);
  await browser.until(`document.querySelector("dialog[open]")`);
  assert.equal(await browser.evaluate("document.querySelectorAll('a[href*=repository]').length"), 0);
  await browser.type("me");
  await browser.press("Tab");
  await browser.type(PASSWORD);
  await browser.press("Enter");

  await browser.until(`document.querySelector(".links a")`);
  const links = `[...document.querySelectorAll(".links a")].map((link) => link.textContent)`;
  assert.deepEqual(await browser.evaluate(links), ["team/app"]);
  // By keyboard: the title, "Log out", the repository.
  await browser.press("Tab", "Tab", "Tab", "Enter");
  await browser.until(`document.querySelector("h2")?.textContent === "Tags of team/app"`);
  assert.deepEqual(await browser.evaluate(links), ["1", "1-nested"]);
  assert.equal(await browser.evaluate("document.title"), "Tags of team/app – Multi-arch images");
  // The keyboard goes on in the new view.
  await browser.press("Tab", "Enter");
  await browser.until(`document.querySelector(".problems")`);
  assert.equal(await browser.evaluate(`document.querySelector("h2").textContent`), `${host}/team/app:1`);
  assert.equal(await browser.evaluate(`document.querySelectorAll("article > .cards > .card").length`), 6);
  assert.deepEqual([...new Set(browser.requests.map((url) => new URL(url).host))], [host]);
  assert.deepEqual(browser.errors.filter((error) => !/status of 401/.test(error)), []);
  assert.ok(browser.requests.every((url) => !decodeURIComponent(url).includes(PASSWORD)));

  // Clients of the registry itself see no difference.
  const ping = await fetch(`${served.url}/v2/`);
  await ping.body?.cancel();
  assert.deepEqual([ping.status, ping.headers.get("www-authenticate")], [401, 'Basic realm="registry"']);
  const refused = await fetch(`${served.url}/inspect`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ image: `${host}/team/app:1` }),
  });
  assert.deepEqual([refused.status, (await refused.json()).error.code], [401, "UNAUTHORIZED"]);
}, ["chromium"]);
