/** The portable faces in a browser, with registries of other origins. */
import assert from "node:assert/strict";
import { bundle } from "../support/bundle.ts";
import { runInChromium } from "../support/chromium.ts";
import { startWithCors } from "../support/cors.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { makeCertificate } from "../support/signing_certificates.ts";
import { judgeCertificate } from "./work.ts";
import { workHere } from "./work_here.ts";

folderTest("the portable exports have the same results in Chromium as under Deno", async (folder) => {
  const file = await bundle("tests/portable/work.ts", folder);
  await using from = startWithCors();
  await using to = startWithCors();
  const hosts = JSON.stringify({ from: from.host, to: to.host });
  assert.deepEqual(await runInChromium(file, `module.work(${hosts})`), await workHere());
  assert.deepEqual([from.errors, to.errors], [[], []]);
}, ["chromium"]);

folderTest("certificates are refused in a runtime that cannot read them", async (folder) => {
  const file = await bundle("tests/portable/work.ts", folder);
  const { pem } = makeCertificate({ name: "me", ca: true, emails: ["me@example.com"] });
  // Here it is read, and found not to have signed.
  assert.equal(await judgeCertificate(pem), "SIGNATURE_INVALID");
  const verdict = await runInChromium(file, `module.judgeCertificate(${JSON.stringify(pem)})`);
  assert.equal(verdict, "SIGNATURE_CERTIFICATE_REJECTED");
}, ["chromium"]);

folderTest("an operation that Chromium does not support fails with a code, and tags nothing", async (folder) => {
  const file = await bundle("tests/portable/work.ts", folder);
  await using from = startWithCors();
  await using to = startWithCors();
  const hosts = JSON.stringify({ from: from.host, to: to.host });
  const codes = await runInChromium(file, `module.compress(${hosts})`);
  assert.deepEqual(codes, ["COMPRESSION_NOT_SUPPORTED", "COMPRESSION_NOT_SUPPORTED"]);
  assert.deepEqual(await Array.fromAsync(clientOf(to.host).repository("app").listTags()), []);
  assert.deepEqual([from.errors, to.errors], [[], []]);
}, ["chromium"]);
